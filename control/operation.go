package control

import (
	"context"
	"time"

	"apron/api"
	"apron/store"
)

// begin asks lifecycle whether the action's operation may begin and, if so, records it together with the change that prepare
// makes to the service (nil: none beyond the status). It returns the service as the reply shows it, and the operation's
// id or nil when there was nothing to do. The operation is listed before it returns: Copilot fails when it is not.
func (c *Control) begin(ctx context.Context, caller api.Caller, arn, action string,
	prepare func(*store.Tx, *store.Service, *store.Operation) error) (*api.Service, *string, error) {
	shown, said, err := c.consider(ctx, caller, arn, action)
	if err != nil {
		return nil, nil, err
	}
	if said == unneeded {
		return &shown, nil, nil
	}
	var svc store.Service
	var op store.Operation
	err = c.cfg.Store.Update(ctx, func(tx *store.Tx) (err error) {
		if svc, err = load(tx, caller, arn); err != nil {
			return err
		}
		var no *api.Error
		if said, no = judge(action, svc.Service); said != allowed {
			return orNil(no)
		}
		op = newOperation(action, svc.Service)
		if prepare != nil {
			if err := prepare(tx, &svc, &op); err != nil {
				return err
			}
		}
		svc.Service.Status, svc.Service.UpdatedAt = api.StatusOperationInProgress, *op.Summary.StartedAt
		if err := tx.PutService(svc); err != nil {
			return err
		}
		return tx.PutOperation(op)
	})
	if err != nil {
		return nil, nil, err
	}
	if said == unneeded {
		return &svc.Service, nil, nil
	}
	c.cfg.Wake(arn)
	return &svc.Service, new(op.ID()), nil
}

// consider asks lifecycle before the writing transaction does: what changes nothing need not wait for those who write.
func (c *Control) consider(ctx context.Context, caller api.Caller, arn, action string) (svc api.Service, said verdict, err error) {
	err = c.cfg.Store.Read(ctx, func(tx *store.Tx) (err error) {
		if svc, err = look(tx, caller, arn); err != nil {
			return err
		}
		var no *api.Error
		said, no = judge(action, svc)
		return orNil(no)
	})
	return svc, said, err
}

// orNil keeps a nil *api.Error from becoming an error that is not nil.
func orNil(e *api.Error) error {
	if e == nil {
		return nil
	}
	return e
}

// newOperation is the record of the action's operation that begins on the service as it is now.
func newOperation(action string, svc api.Service) store.Operation {
	kind := ruleOf(action).operation
	done, failed := ends(action, svc.Status)
	now := api.At(time.Now())
	return store.Operation{
		Summary: api.OperationSummary{
			Id:        new(api.NewID()),
			Type:      &kind,
			Status:    new(api.OperationPending),
			TargetArn: new(svc.ServiceArn),
			StartedAt: &now,
			UpdatedAt: &now,
		},
		OnSuccess: done,
		OnFailure: failed,
		RollsBack: rollsBack(kind, svc.Status),
	}
}

// ListOperations lists what was and is done to the service, newest first.
func (c *Control) ListOperations(ctx context.Context, caller api.Caller, in *api.ListOperationsRequest) (*api.ListOperationsResponse, error) {
	page, err := c.page(caller, in.NextToken, in.MaxResults, "ListOperations", in.ServiceArn)
	if err != nil {
		return nil, err
	}
	var rows []store.Row[store.Operation]
	err = c.cfg.Store.View(ctx, func(tx *store.Tx) (err error) {
		if _, err = allow(tx, caller, "ListOperations", in.ServiceArn); err != nil {
			return err
		}
		rows, err = tx.Operations(in.ServiceArn, page.after, page.fetch())
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &api.ListOperationsResponse{OperationSummaryList: []api.OperationSummary{}}
	rows, out.NextToken = cut(page, rows)
	for _, row := range rows {
		out.OperationSummaryList = append(out.OperationSummaryList, row.Record.Summary)
	}
	return out, nil
}
