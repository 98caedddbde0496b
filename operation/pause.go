package operation

import (
	"context"

	"apron/logs"
)

// pause takes a service to nothing: no request, no process, no byte of its instances is left. What it was deployed
// from stays in its record, so that resume brings the same version back.
var pause = plan{
	texts: texts{logs.PauseStarted, logs.PauseFinished, logs.PauseFailed},
	steps: []step{
		{name: "drain", do: drain, undo: restore},
		{name: "stop", do: stop}, // the undo of drain starts what is missing
	},
}

// drain sends new requests away as for an unknown host and waits for those in flight, which are cut when DrainLimit
// has passed.
func drain(ctx context.Context, r *run) error {
	limit, cancel := context.WithTimeout(ctx, r.cfg.Limits.DrainLimit)
	defer cancel()
	r.shut(r.svc)
	err := r.cfg.Proxy.Withdraw(limit, r.svc.Service.ServiceId)
	if err != nil && ctx.Err() == nil && limit.Err() != nil {
		r.log.Warn("requests were cut", "error", err)
		return nil
	}
	return err
}

// stop ends every instance of the service and removes what they held.
func stop(ctx context.Context, r *run) error {
	return r.cfg.Fleet.Stop(ctx, r.svc.Service.ServiceId)
}
