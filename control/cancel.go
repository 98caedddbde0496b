package control

import (
	"context"
	"errors"
	"time"

	"apron/api"
	"apron/store"
)

// CancelOperation ends the operation under way at its next step and has what it did undone. It is durable when it is
// answered, and may be called again: whoever asks for what was asked for before gets the same answer. A delete goes on: it
// is what a service under any other operation can always be brought to.
func (c *Control) CancelOperation(ctx context.Context, caller api.Caller, in *api.CancelOperationRequest) (*api.CancelOperationResponse, error) {
	var svc api.Service
	var op store.Operation
	err := c.cfg.Store.Update(ctx, func(tx *store.Tx) (err error) {
		if svc, err = look(tx, caller, in.ServiceArn); err != nil {
			return err
		}
		if op, err = cancellable(tx, svc, in.OperationId); err != nil {
			return err
		}
		return tx.CancelOperation(op.ID(), store.Cancellation{
			AccessKeyID: caller.AccessKeyID, RequestID: caller.RequestID, At: api.At(time.Now()),
		})
	})
	if err != nil {
		return nil, err
	}
	c.cfg.Interrupt(op.ID())
	return &api.CancelOperationResponse{Service: &svc, OperationId: op.ID()}, nil
}

// cancellable finds the operation that id names, or without one that is under way, if it may be cancelled or is.
func cancellable(tx *store.Tx, svc api.Service, id *string) (op store.Operation, err error) {
	if id != nil {
		if op, err = operationOf(tx, svc, *id); err != nil {
			return op, err
		}
		if asked, err := isCancelled(tx, op); asked || err != nil {
			return op, err
		}
	}
	if said, no := judge("CancelOperation", svc); said != allowed {
		return op, no
	}
	open, err := tx.OpenOperation(svc.ServiceArn)
	if err != nil {
		return op, err
	}
	if id != nil && *id != open.ID() {
		return op, api.InvalidState("Operation %s has ended as %s. Operation %s is under way: cancel that one, or describe both to see what they do.",
			op.ID(), *op.Summary.Status, open.ID())
	}
	if asked, err := isCancelled(tx, open); asked || err != nil {
		return open, err
	}
	return open, orNil(uncancellable(svc, open))
}

// uncancellable says why an operation that is under way can't be cancelled, nil if it can.
func uncancellable(svc api.Service, op store.Operation) *api.Error {
	switch {
	case op.Type() == api.OperationDeleteService:
		return api.InvalidState("Service %s is being deleted, which nothing can cancel. Wait until operation %s has ended.", svc.ServiceName, op.ID())
	case op.Failure != "":
		return api.InvalidState("Operation %s has failed and is being undone already. Describe it to see why, and wait until it has ended.", op.ID())
	}
	return nil
}

func isCancelled(tx *store.Tx, op store.Operation) (bool, error) {
	_, err := tx.Cancellation(op.ID())
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// operationOf finds an operation of the service.
func operationOf(tx *store.Tx, svc api.Service, id string) (store.Operation, error) {
	op, err := tx.Operation(id)
	if errors.Is(err, store.ErrNotFound) || err == nil && op.ServiceArn() != svc.ServiceArn {
		return op, api.NotFound("Service %s has no operation %s. List its operations to see their ids.", svc.ServiceName, id)
	}
	return op, err
}

// DescribeOperation tells how far an operation has come and, if it was given up, why.
func (c *Control) DescribeOperation(ctx context.Context, caller api.Caller, in *api.DescribeOperationRequest) (*api.DescribeOperationResponse, error) {
	var op store.Operation
	var asked bool
	err := c.cfg.Store.View(ctx, func(tx *store.Tx) error {
		svc, err := allow(tx, caller, "DescribeOperation", in.ServiceArn)
		if err != nil {
			return err
		}
		if op, err = operationOf(tx, svc, in.OperationId); err != nil {
			return err
		}
		asked, err = isCancelled(tx, op)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.DescribeOperationResponse{Operation: c.shownOperation(op, asked)}, nil
}

func (c *Control) shownOperation(op store.Operation, asked bool) *api.Operation {
	s := op.Summary
	out := &api.Operation{
		Id: *s.Id, Type: *s.Type, Status: *s.Status, TargetArn: *s.TargetArn,
		StartedAt: *s.StartedAt, EndedAt: s.EndedAt, UpdatedAt: *s.UpdatedAt, CancelRequested: asked,
	}
	if op.Target != nil {
		out.Commit, out.CommitSubject = commitOf(*op.Target)
	}
	step, steps := c.cfg.Progress(op)
	out.Steps = steps
	if step != "" {
		out.Step = &step
	}
	if op.Failure != "" {
		out.Reason = &op.Failure
	}
	return out
}
