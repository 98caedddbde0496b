package operation

import (
	"context"

	"apron/store"
)

// CollectImages removes the images that no service needs any more. It does nothing while an image is being pulled:
// the operation that pulls it calls again when it has ended.
func (w *Worker) CollectImages(ctx context.Context) {
	if !w.pulls.TryLock() {
		return
	}
	defer w.pulls.Unlock()
	keep, err := w.neededImages(ctx)
	if err != nil {
		w.cfg.Log.Error("images in use could not be listed", "error", err)
		return
	}
	freed, err := w.cfg.Images.Collect(ctx, keep)
	if err != nil && ctx.Err() == nil {
		w.cfg.Log.Error("images could not be removed", "error", err)
	}
	if freed > 0 {
		w.cfg.Log.Info("images removed", "bytes", freed)
	}
}

// neededImages lists the digests that a service is deployed from and those that an open operation works with.
func (w *Worker) neededImages(ctx context.Context) (keep []string, err error) {
	err = w.cfg.Store.View(ctx, func(tx *store.Tx) error {
		services, err := tx.EveryService()
		if err != nil {
			return err
		}
		for _, row := range services {
			keep = appendImage(keep, row.Record.Deployed)
		}
		operations, err := tx.OpenOperations()
		if err != nil {
			return err
		}
		for _, row := range operations {
			keep = appendImage(keep, row.Record.Target)
			keep = appendImage(keep, row.Record.Previous)
		}
		return nil
	})
	return keep, err
}

func appendImage(list []string, d *store.Deployment) []string {
	if d == nil || d.Image == "" {
		return list
	}
	return append(list, d.Image)
}
