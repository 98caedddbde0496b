package operation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"apron/api"
	"apron/store"
)

// Settle tells the worker that a VPC ingress connection or custom domain has a status that it is to leave by itself.
// These have no operation that a client could follow; they are described until they have arrived. It never blocks.
func (w *Worker) Settle() {
	select {
	case w.unsettled <- struct{}{}:
	default: // it is told already
	}
}

// settleAll settles what the last run of the server left, and then whatever it is told of, until ctx is done.
func (w *Worker) settleAll(ctx context.Context) {
	for {
		w.settle(ctx)
		select {
		case <-ctx.Done():
			return
		case <-w.unsettled:
		}
	}
}

// settle moves what can move on, and keeps trying when the store fails: clients wait for it.
func (w *Worker) settle(ctx context.Context) {
	for {
		err := w.cfg.Store.Update(ctx, func(tx *store.Tx) error {
			return errors.Join(settleIngress(tx), settleDomains(tx))
		})
		if err == nil || ctx.Err() != nil {
			return
		}
		w.cfg.Log.Error("ingress connections and custom domains are stuck", "error", err)
		sleep(ctx, time.Second)
	}
}

// arrivals are the statuses that VPC ingress connections come to by themselves.
var arrivals = map[api.VpcIngressConnectionStatus]api.VpcIngressConnectionStatus{
	api.VpcIngressConnectionPendingCreation: api.VpcIngressConnectionAvailable,
	api.VpcIngressConnectionPendingUpdate:   api.VpcIngressConnectionAvailable,
	api.VpcIngressConnectionPendingDeletion: api.VpcIngressConnectionDeleted,
}

func settleIngress(tx *store.Tx) error {
	moving, err := store.MovingResources[api.VpcIngressConnection](tx, api.ResourceVpcIngressConnection)
	if err != nil {
		return err
	}
	for _, row := range moving {
		r := row.Record
		arrived, ok := arrivals[*r.Record.Status]
		if !ok {
			return fmt.Errorf("%s is moving in status %s", r.ARN, *r.Record.Status)
		}
		r.Record.Status, r.Moving = &arrived, false
		if arrived == api.VpcIngressConnectionDeleted {
			now := api.At(time.Now())
			r.Record.DeletedAt, r.Deleted = &now, &now
		}
		if err := store.PutResource(tx, r); err != nil {
			return err
		}
	}
	return nil
}
