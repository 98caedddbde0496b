package control

import (
	"context"
	"errors"

	"apron/api"
	"apron/store"
)

// ListDeployments lists what RollbackService can go back to, newest first.
func (c *Control) ListDeployments(ctx context.Context, caller api.Caller, in *api.ListDeploymentsRequest) (*api.ListDeploymentsResponse, error) {
	page, err := c.page(caller, in.NextToken, in.MaxResults, "ListDeployments", in.ServiceArn)
	if err != nil {
		return nil, err
	}
	var svc store.Service
	var rows []store.Row[store.PastDeployment]
	err = c.cfg.Store.View(ctx, func(tx *store.Tx) (err error) {
		if _, err = allow(tx, caller, "ListDeployments", in.ServiceArn); err != nil {
			return err
		}
		if svc, err = tx.Service(in.ServiceArn); err != nil {
			return err
		}
		rows, err = tx.ListDeployments(in.ServiceArn, page.after, page.fetch())
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &api.ListDeploymentsResponse{}
	rows, out.NextToken = cut(page, rows)
	for _, row := range rows {
		out.DeploymentSummaryList = append(out.DeploymentSummaryList, summary(row.Record, svc.Deployed))
	}
	return out, nil
}

func summary(past store.PastDeployment, current *store.Deployment) api.DeploymentSummary {
	d := past.Deployment
	s := api.DeploymentSummary{
		OperationId: d.ID, Type: past.Type, ImageDigest: d.Image, DeployedAt: past.At,
		Current: current != nil && current.ID == d.ID,
	}
	if image := d.Config.SourceConfiguration.ImageRepository; image != nil {
		s.ImageIdentifier = &image.ImageIdentifier
	}
	s.Commit, s.CommitSubject = commitOf(d)
	if d.RestoredFrom != "" {
		s.RestoredFrom = &d.RestoredFrom
	}
	return s
}

// commitOf is nil for what was not built from source.
func commitOf(d store.Deployment) (id, subject *string) {
	if d.Source == nil {
		return nil, nil
	}
	return &d.Source.Commit, &d.Source.Subject
}

// RollbackService deploys an earlier deployment again: its image, which is still on this machine, with the settings of
// its source, its instances and its health check. What else a service has, such as its network, stays as it is.
func (c *Control) RollbackService(ctx context.Context, caller api.Caller, in *api.RollbackServiceRequest) (*api.RollbackServiceResponse, error) {
	if err := c.ensureDefault(ctx, caller); err != nil {
		return nil, err
	}
	svc, op, err := c.begin(ctx, caller, in.ServiceArn, "RollbackService", func(tx *store.Tx, svc *store.Service, op *store.Operation) error {
		past, err := earlier(tx, *svc, in.OperationId)
		if err != nil {
			return err
		}
		was := past.Deployment.Config
		svc.Service.SourceConfiguration = was.SourceConfiguration
		svc.Service.InstanceConfiguration = was.InstanceConfiguration
		svc.Service.HealthCheckConfiguration = was.HealthCheckConfiguration
		// What it names may be gone by now, as a connection.
		if err := c.check(tx, caller, &svc.Service, new(faults)); err != nil {
			return err
		}
		if op.Target, err = target(tx, caller, &svc.Service, *op); err != nil {
			return err
		}
		op.Target.Image, op.Target.RestoredFrom = past.Deployment.Image, past.Deployment.ID
		op.Target.Source, op.Target.Run = past.Deployment.Source, past.Deployment.Run
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.RollbackServiceResponse{Service: svc, OperationId: *op}, nil
}

// earlier finds the deployment that the operation made or, without one, the one before the current.
func earlier(tx *store.Tx, svc store.Service, operation *string) (past store.PastDeployment, err error) {
	s := svc.Service
	if operation != nil {
		past, err = tx.PastDeployment(s.ServiceArn, *operation)
		if errors.Is(err, store.ErrNotFound) {
			err = api.NotFound("Service %s keeps no deployment of operation %s. List its deployments to see those that it can go back to: the last %d.",
				s.ServiceName, *operation, store.PastDeployments)
		}
		return past, err
	}
	past, err = tx.DeploymentBefore(s.ServiceArn, svc.Deployed.ID)
	if errors.Is(err, store.ErrNotFound) {
		err = api.InvalidState("Service %s has no deployment before the current one. List its deployments and name one to deploy it again.", s.ServiceName)
	}
	return past, err
}
