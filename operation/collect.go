package operation

import (
	"context"
	"errors"
	"slices"
	"time"

	"apron/api"
	"apron/build/runtimes"
	"apron/image"
	"apron/store"
)

// collectEvery is how often images are looked through while no operation ends.
const collectEvery = time.Hour

// CollectImages removes the images that no service needs any more, with the tags that builds have set, except for those that
// were pulled, made or pushed within image.Config's CollectGrace and that no operation has let go of, and returns the bytes
// that it freed. It does nothing while an image is being pulled: the operation that pulls it calls again when it has ended.
func (w *Worker) CollectImages(ctx context.Context) (freed int64) {
	if !w.pulls.TryLock() {
		return 0
	}
	defer w.pulls.Unlock()
	keep, err := w.keptImages(ctx)
	if err != nil {
		w.cfg.Log.Error("images in use could not be listed", "error", err)
		return 0
	}
	freed = w.removeUnneeded(ctx, keep)
	untagErr := w.cfg.Builds.Untag(ctx, func(digest string) bool { return slices.Contains(keep, digest) }, w.cfg.Images.Grace())
	more, err := w.cfg.Images.Collect(ctx, keep)
	if err := errors.Join(untagErr, err); err != nil && ctx.Err() == nil {
		w.cfg.Log.Error("images could not be removed", "error", err)
	}
	if freed += more; freed > 0 {
		w.cfg.Log.Info("images removed", "bytes", freed)
	}
	return freed
}

// Unneeded lists the images on this machine that no service and nothing under way needs. bases are those among them that
// builds begin with, at the time of the last such build.
func (w *Worker) Unneeded(ctx context.Context) (images, bases []image.Stored, err error) {
	list, err := w.cfg.Images.List(ctx)
	if err != nil {
		return nil, nil, err
	}
	needed, err := w.neededImages(ctx)
	if err != nil {
		return nil, nil, err
	}
	kept, err := w.cfg.Bases()
	if err != nil {
		return nil, nil, err
	}
	for _, img := range list {
		i := slices.IndexFunc(kept, func(k runtimes.Kept) bool { return k.Digest == img.Digest })
		switch {
		case slices.Contains(needed, img.Digest):
		case i >= 0:
			img.Used = kept[i].Used
			bases = append(bases, img)
		default:
			images = append(images, img)
		}
	}
	return images, bases, nil
}

// RemoveImage removes an image that Unneeded has listed, unless it is needed by now or was used within idle, which must be
// longer than what lies between a pull's end and the operation's record of it. It returns the bytes that this freed.
func (w *Worker) RemoveImage(ctx context.Context, digest string, idle time.Duration) (freed int64, err error) {
	needed, err := w.neededImages(ctx)
	if err != nil || slices.Contains(needed, digest) {
		return 0, err
	}
	return w.cfg.Images.RemoveIdle(ctx, digest, idle)
}

// Exists tells whether there is a service with that id, and it is not deleted. It says so too when it can't find out.
func (w *Worker) Exists(ctx context.Context, id string) bool {
	var svc store.Service
	err := w.cfg.Store.Read(ctx, func(tx *store.Tx) (err error) {
		svc, err = tx.ServiceByID(id)
		return err
	})
	return !errors.Is(err, store.ErrNotFound) && svc.Service.DeletedAt == nil
}

// UnderOperation lists the ids of the services that have an open operation, which may read their checkouts.
func (w *Worker) UnderOperation(ctx context.Context) (ids map[string]bool, err error) {
	ids = map[string]bool{}
	err = w.cfg.Store.View(ctx, func(tx *store.Tx) error {
		open, err := tx.OpenOperations()
		if err != nil {
			return err
		}
		for _, row := range open {
			arn, err := api.ParseARN(row.Record.ServiceArn(), api.ResourceService)
			if err != nil {
				return err
			}
			ids[arn.ID] = true
		}
		return nil
	})
	return ids, err
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
func (w *Worker) removeUnneeded(ctx context.Context, keep []string) (freed int64) {
	w.mu.Lock()
	unneeded := w.unneeded
	w.unneeded = nil
	w.mu.Unlock()
	for _, digest := range unneeded {
		if slices.Contains(keep, digest) {
			continue
		}
		n, err := w.cfg.Images.Remove(ctx, digest)
		if err != nil {
			w.cfg.Log.Error("image could not be removed", "digest", digest, "error", err)
		}
		freed += n
	}
	return freed
}

// keptImages lists the digests of needed images and of all that builds ever began with: how long those are worth their space
// is decided elsewhere.
func (w *Worker) keptImages(ctx context.Context) (keep []string, err error) {
	if keep, err = w.neededImages(ctx); err != nil {
		return nil, err
	}
	bases, err := w.cfg.Bases()
	for _, base := range bases {
		keep = append(keep, base.Digest)
	}
	return keep, err
}

// neededImages lists the digests that a service is deployed from or can go back to, and those that an open operation or a
// build works with.
func (w *Worker) neededImages(ctx context.Context) (needed []string, err error) {
	building := w.cfg.Builds.Images() // first: what a build lets go of later is in its operation's record by then
	err = w.cfg.Store.View(ctx, func(tx *store.Tx) error {
		if needed, err = tx.Images(); err != nil {
			return err
		}
		operations, err := tx.OpenOperations()
		if err != nil {
			return err
		}
		for _, row := range operations {
			needed = appendImage(needed, row.Record.Target)
			needed = appendImage(needed, row.Record.Previous)
		}
		return nil
	})
	return append(needed, building...), err
}

func appendImage(list []string, d *store.Deployment) []string {
	if d == nil || d.Image == "" {
		return list
	}
	return append(list, d.Image)
}
