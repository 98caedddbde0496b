package operation

import (
	"context"
	"errors"
	"slices"
	"time"

	"apron/store"
)

// collectEvery is how often images are looked through while no operation ends.
const collectEvery = time.Hour

// CollectImages removes the images that no service needs any more, except for those that were pulled or pushed within
// image.Config's CollectGrace and that no operation has let go of. It does nothing while an image is being pulled:
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
	w.removeUnneeded(ctx, keep)
	freed, err := w.cfg.Images.Collect(ctx, keep)
	if err != nil && ctx.Err() == nil {
		w.cfg.Log.Error("images could not be removed", "error", err)
	}
	if freed > 0 {
		w.cfg.Log.Info("images removed", "bytes", freed)
	}
}

// How long what builds keep between them may lie unused. A checkout comes back from its mirror; a cache costs a build that
// has to load its packages again.
const (
	checkoutLife = 24 * time.Hour
	cacheLife    = 30 * 24 * time.Hour

	// And while the disk is nearly full. A build that waits for its turn uses its checkout.
	scarceCheckoutLife = 3 * time.Hour
	scarceCacheLife    = 0
)

// pruneBuilds removes sources and caches of services that there are no more, and those that nothing has used for long.
func (w *Worker) pruneBuilds(ctx context.Context) {
	keep := func(id string) bool { return w.exists(ctx, id) }
	checkouts, caches := checkoutLife, cacheLife
	if w.cfg.Scarce() {
		checkouts, caches = scarceCheckoutLife, scarceCacheLife
	}
	freed, err := w.cfg.Sources.Prune(ctx, keep, checkouts)
	more, err2 := w.cfg.Builds.Prune(ctx, keep, caches)
	if err := errors.Join(err, err2); err != nil && ctx.Err() == nil {
		w.cfg.Log.Error("sources and build caches could not be removed", "error", err)
	}
	if freed += more; freed > 0 {
		w.cfg.Log.Info("sources and build caches removed", "bytes", freed)
	}
}

// exists tells whether the service is not deleted. It says so too when it can't find out.
func (w *Worker) exists(ctx context.Context, id string) bool {
	var svc store.Service
	err := w.cfg.Store.Read(ctx, func(tx *store.Tx) (err error) {
		svc, err = tx.ServiceByID(id)
		return err
	})
	return !errors.Is(err, store.ErrNotFound) && svc.Service.DeletedAt == nil
}

// letGo notes the images that the operation, which has ended, took from its service. What a failed operation pulled is
// left to Collect: the owner is about to try again. So is an image that instances may still run on.
func (w *Worker) letGo(r *run) {
	if r.op.Failure != "" || r.leftovers {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unneeded = append(appendImage(w.unneeded, r.op.Previous), r.forgotten...)
}

// removeUnneeded removes what was let go of, unless somebody else needs it. Collect would leave it for a while, as it
// leaves everything that is young.
func (w *Worker) removeUnneeded(ctx context.Context, keep []string) {
	w.mu.Lock()
	unneeded := w.unneeded
	w.unneeded = nil
	w.mu.Unlock()
	for _, digest := range unneeded {
		if slices.Contains(keep, digest) {
			continue
		}
		if err := w.cfg.Images.Remove(ctx, digest); err != nil {
			w.cfg.Log.Error("image could not be removed", "digest", digest, "error", err)
		}
	}
}

// neededImages lists the digests that a service is deployed from or can go back to, those that an open operation works
// with, and those that builds begin with.
func (w *Worker) neededImages(ctx context.Context) (keep []string, err error) {
	bases, err := w.cfg.Bases()
	if err != nil {
		return nil, err
	}
	err = w.cfg.Store.View(ctx, func(tx *store.Tx) error {
		if keep, err = tx.Images(); err != nil {
			return err
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
	return append(keep, bases...), err
}

func appendImage(list []string, d *store.Deployment) []string {
	if d == nil || d.Image == "" {
		return list
	}
	return append(list, d.Image)
}
