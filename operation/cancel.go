package operation

import (
	"context"
	"errors"
	"fmt"

	"apron/store"
)

// cancelled is why an operation is given up that somebody asked to be cancelled.
type cancelled struct{ by store.Cancellation }

func (c cancelled) Error() string {
	who := "access key " + c.by.AccessKeyID
	if c.by.AccessKeyID == "" {
		who = "an anonymous caller"
	}
	return fmt.Sprintf("The operation was cancelled by %s, with request %s.", who, c.by.RequestID)
}

// cancelled reads whether the operation was cancelled: then failure says by whom. err is the store's.
func (r *run) cancelled(ctx context.Context) (failure, err error) {
	err = r.cfg.Store.Read(ctx, func(tx *store.Tx) error {
		failure = r.uncancelled(tx)
		return nil
	})
	if _, ok := errors.AsType[cancelled](failure); !ok {
		return nil, errors.Join(failure, err)
	}
	return failure, err
}

// uncancelled, in the transaction that ends the operation, refuses when somebody has cancelled it: who was told that
// it is being cancelled must not find that it succeeded.
func (r *run) uncancelled(tx *store.Tx) error {
	by, err := tx.Cancellation(r.op.ID())
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return cancelled{by}
}
