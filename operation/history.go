package operation

import (
	"apron/api"
	"apron/store"
)

// keepHistory, in the transaction that ends the operation, adds a deployment that succeeded to those that the service can
// go back to, and forgets all of a service that is deleted.
func (r *run) keepHistory(tx *store.Tx) (err error) {
	switch {
	case r.svc.Service.DeletedAt != nil:
		r.forgotten, err = tx.ForgetDeployments(r.svc.Service.ServiceArn)
	case r.plan.deploys && *r.op.Summary.Status == api.OperationSucceeded:
		r.forgotten, err = tx.KeepDeployment(r.svc.Service.ServiceArn, store.PastDeployment{
			Type: r.op.Type(), At: *r.op.Summary.EndedAt, Deployment: *r.op.Target,
		})
	}
	return err
}

// forgetBuilds, in the transaction that ends a service, forgets what was built for it.
func (r *run) forgetBuilds(tx *store.Tx) error {
	if r.svc.Service.DeletedAt == nil {
		return nil
	}
	return tx.ForgetBuilds(r.svc.Service.ServiceId)
}
