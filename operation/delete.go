package operation

import (
	"context"
	"errors"
	"fmt"

	"apron/api"
	"apron/logs"
	"apron/store"
)

// remove ends a service for good. Its record stays describable for a while and its logs stay; all else goes. There
// is no way back: a delete that fails leaves DELETE_FAILED, from where it can be called again.
var remove = plan{
	texts:       texts{logs.DeleteStarted, logs.DeleteFinished, logs.DeleteFailed},
	freesImages: true,
	steps: []step{
		{name: "drain", do: drain},
		{name: "stop", do: stop},
		{name: "forget", do: forget},
	},
}

// forget frees the host name and lets go of the image, and of all that builds of the service keep between them.
func forget(ctx context.Context, r *run) error {
	if r.svc.Service.SourceConfiguration.CodeRepository != nil {
		id := r.svc.Service.ServiceId
		if err := errors.Join(r.cfg.Sources.Forget(id), r.cfg.Builds.Forget(id)); err != nil {
			return fmt.Errorf("forget source and builds: %w", err)
		}
	}
	r.cfg.Proxy.Remove(r.svc.Service.ServiceId)
	r.op.Previous, r.svc.Deployed = r.svc.Deployed, nil
	return nil
}

// freeDomains, in the transaction that ends a service, lets others have its custom domains. Until then they are its own: a
// delete that fails keeps them.
func freeDomains(tx *store.Tx, s api.Service) error {
	if s.DeletedAt == nil {
		return nil
	}
	return tx.DeleteDomains(s.ServiceArn)
}
