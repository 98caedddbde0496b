package operation

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"apron/api"
	"apron/build/source"
	"apron/logs"
	"apron/store"
)

// run is one operation under way. It alone writes the service's record until the operation has ended: the API
// refuses every change of a service whose operation is open.
type run struct {
	*Worker
	plan plan
	op   store.Operation
	svc  store.Service
	log  *slog.Logger

	resumed   bool // the operation was begun before, most likely by another process
	leftovers bool // instances of the version before may still be there

	checkout source.Checkout // of what is built from source, once it is fetched
	phases   []store.Phase   // of the step under way

	forgotten []string // images of deployments that the service cannot go back to any more
}

// claim loads the service's open operation and marks it IN_PROGRESS.
func (w *Worker) claim(ctx context.Context, arn string) (*run, error) {
	r := &run{Worker: w}
	err := w.cfg.Store.Update(ctx, func(tx *store.Tx) (err error) {
		if r.op, err = tx.OpenOperation(arn); err != nil {
			return err
		}
		if r.svc, err = tx.Service(arn); err != nil {
			return err
		}
		if r.resumed = *r.op.Summary.Status != api.OperationPending; r.resumed {
			return nil
		}
		r.setStatus(api.OperationInProgress)
		return tx.PutOperation(r.op)
	})
	if err != nil {
		return nil, err
	}
	r.plan = planOf(r.op)
	r.log = w.cfg.Log.With("service_arn", arn, "operation_id", r.op.ID(), "operation", string(r.op.Type()))
	if !r.resumed {
		r.event(r.plan.texts.started)
		r.event(logs.StatusSet(string(r.svc.Service.Status)))
	}
	return r, nil
}

// run takes the operation to its end: forward through its steps, or back through those that are done.
func (r *run) run(ctx context.Context) error {
	if r.op.Failure == "" {
		failure, err := r.forward(ctx)
		if err != nil {
			return err
		}
		if failure == nil {
			err := r.finish(ctx, api.OperationSucceeded, r.op.OnSuccess, r.succeeded())
			if _, late := errors.AsType[cancelled](err); !late {
				return err
			}
			failure = err
		}
		if err := r.giveUp(ctx, failure); err != nil {
			return err
		}
	}
	return r.back(ctx)
}

// forward does the steps that are left. failure is why one was given up; err says that ctx has ended or that the store
// took no cursor, which undoes nothing: the step is run again.
func (r *run) forward(ctx context.Context) (failure, err error) {
	ahead, arrive := r.interruptible(ctx)
	defer arrive()
	for _, s := range r.plan.steps {
		done := slices.Contains(r.op.Done, s.name)
		if done && !(s.volatile && r.resumed) {
			continue
		}
		if failure, err := r.advance(ctx, ahead, s); failure != nil || err != nil {
			return failure, err
		}
		if done {
			continue
		}
		r.boundary(stepDone(s))
		r.op.Done = append(r.op.Done, s.name)
		if !s.saved() {
			continue
		}
		if err := r.save(ctx); err != nil {
			return nil, err
		}
		r.boundary(stepSaved(s))
	}
	return nil, nil
}

// advance does one step, unless the operation was cancelled before it or while it waits. ahead is ctx with an end that
// Interrupt can bring about.
func (r *run) advance(ctx, ahead context.Context, s step) (failure, err error) {
	if failure, err := r.cancelled(ctx); failure != nil || err != nil {
		return failure, err
	}
	begin := time.Now()
	r.phases = nil
	failure = r.try(ahead, s.name, s.within, s.do)
	switch {
	case failure == nil:
		r.took(s.name, time.Since(begin))
		return nil, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case ahead.Err() != nil:
		asked, err := r.cancelled(ctx)
		return cmp.Or(asked, failure), err
	}
	return failure, nil
}

// giveUp makes it durable that the operation goes back from here on.
func (r *run) giveUp(ctx context.Context, cause error) error {
	r.op.Failure = r.reason(cause)
	if r.op.RollsBack {
		r.setStatus(api.OperationRollbackInProgress)
	}
	if err := r.save(ctx); err != nil {
		return err
	}
	r.boundary(gaveUp)
	if _, ok := errors.AsType[cancelled](cause); ok {
		r.event(logs.OperationCancelled(r.op.ID(), r.op.Failure))
	}
	return nil
}

// back undoes the steps that are done, the last one first, and ends the operation. A step that cannot be undone is
// logged and passed over: the rest of the way back still has to be gone.
func (r *run) back(ctx context.Context) error {
	ended := api.OperationFailed
	if r.op.RollsBack {
		ended = api.OperationRollbackSucceeded
	}
	for _, s := range slices.Backward(r.plan.steps) {
		if s.undo == nil || !r.begun(s) {
			continue
		}
		if err := r.try(ctx, "undo "+s.name, s.within, s.undo); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			r.log.Error("step could not be undone", "step", s.name, "error", r.reason(err))
			if r.op.RollsBack {
				ended = api.OperationRollbackFailed
			}
		}
		r.boundary(stepUndone(s))
	}
	if r.svc.Deployed != nil {
		r.restoreConfiguration()
	}
	r.reportFailure()
	return r.finish(ctx, ended, r.op.OnFailure, r.plan.texts.failed)
}

// begun tells whether the step was done or at least tried: the first one that is not done was tried.
func (r *run) begun(s step) bool {
	for _, earlier := range r.plan.steps {
		if !slices.Contains(r.op.Done, earlier.name) {
			return s.name == earlier.name
		}
		if s.name == earlier.name {
			return true
		}
	}
	return false
}

// finish ends the operation and gives the service its final status, in one transaction. When it fails, because the store
// does or because the operation was cancelled meanwhile, nothing has changed.
func (r *run) finish(ctx context.Context, ended api.OperationStatus, status api.ServiceStatus, event string) error {
	r.boundary(finishing)
	op, svc := r.op, r.svc
	r.end(ended, status)
	if err := r.saveEnd(ctx); err != nil {
		r.op, r.svc = op, svc
		return err
	}
	r.boundary(finished)
	if ended == api.OperationSucceeded && fromSource(r.op.Target) && r.plan.deploys {
		r.line(logs.DeployedIn(spent(r.op)))
	}
	r.event(event)
	r.event(logs.StatusSet(string(status)))
	if r.cfg.Ended != nil {
		r.cfg.Ended(r.svc.Account, r.op.Summary)
	}
	r.log.Info("operation ended", "status", string(ended), "service_status", string(status))
	return nil
}

func (r *run) end(ended api.OperationStatus, status api.ServiceStatus) {
	r.setStatus(ended)
	now := *r.op.Summary.UpdatedAt
	r.op.Summary.EndedAt = &now
	r.svc.Service.Status = status
	r.svc.Service.UpdatedAt = now
	if status == api.StatusDeleted {
		r.svc.Service.DeletedAt = &now
	}
}

// restoreConfiguration shows clients what runs again: the configuration deployed before.
func (r *run) restoreConfiguration() {
	now := r.svc.Service
	r.svc.Service = r.svc.Deployed.Config
	r.svc.Service.Status, r.svc.Service.UpdatedAt = now.Status, now.UpdatedAt
}

func (r *run) setStatus(s api.OperationStatus) {
	now := api.At(time.Now())
	r.op.Summary.Status, r.op.Summary.UpdatedAt = &s, &now
}

func (r *run) save(ctx context.Context) error { return r.cfg.Store.Update(ctx, r.put) }

func (r *run) put(tx *store.Tx) error {
	return errors.Join(tx.PutService(r.svc), tx.PutOperation(r.op))
}

// saveEnd is save with all else that the end of the operation brings about.
func (r *run) saveEnd(ctx context.Context) error {
	return r.cfg.Store.Update(ctx, func(tx *store.Tx) error {
		if *r.op.Summary.Status == api.OperationSucceeded {
			if err := r.uncancelled(tx); err != nil {
				return err
			}
		}
		return errors.Join(r.put(tx), freeDomains(tx, r.svc.Service), r.keepHistory(tx), r.forgetBuilds(tx))
	})
}
