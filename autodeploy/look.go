package autodeploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"apron/api"
	"apron/logs"
	"apron/store"
)

// view is what the store has about a service that is looked at.
type view struct {
	svc   store.Service
	watch store.Watch
	last  store.Operation // the newest; the zero value if there is none
}

func (w *Watcher) read(ctx context.Context, arn string) (v view, err error) {
	err = w.cfg.Store.View(ctx, func(tx *store.Tx) error {
		if v.svc, err = tx.Service(arn); err != nil {
			return err
		}
		if v.watch, err = tx.Watch(arn); err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		rows, err := tx.Operations(arn, 0, 1)
		if len(rows) > 0 {
			v.last = rows[0].Record
		}
		return err
	})
	return v, err
}

// look finds out whether there is something new for the service and, if there is, has it deployed. It returns after how
// long it wants to look again; zero leaves that to others.
func (w *Watcher) look(ctx context.Context, arn string) (again time.Duration, err error) {
	v, err := w.read(ctx, arn)
	if errors.Is(err, store.ErrNotFound) || err == nil && !v.watched() {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if v.pausing() {
		// Written before anything can fail: what is pushed from now on must not be deployed after the resume.
		if err := w.keep(ctx, &v, paused(v.watch)); err != nil {
			return 0, err
		}
	}
	if v.busy() {
		return waitForEnd, nil // what it leaves says whether there is anything new
	}
	version, err := w.cfg.Newest(ctx, v.svc)
	if err != nil {
		return w.unreadable(ctx, v, err)
	}
	if v, err = w.read(ctx, arn); err != nil || !v.watched() { // that took its time
		return 0, err
	}
	watch, said := decide(v, version)
	switch said {
	case wait:
		return waitForEnd, nil
	case fire:
		return w.fire(ctx, v, watch, version)
	}
	return 0, w.keep(ctx, &v, watch)
}

// keep writes the watch if it has changed.
func (w *Watcher) keep(ctx context.Context, v *view, watch store.Watch) error {
	if watch == v.watch {
		return nil
	}
	v.watch = watch
	return w.cfg.Store.Update(ctx, func(tx *store.Tx) error { return tx.PutWatch(v.svc.Service.ServiceArn, watch) })
}

// fire deploys the version, unless nothing in it concerns the service. The watch is written after the operation: a server
// that is killed in between finds the version in the operation's record.
func (w *Watcher) fire(ctx context.Context, v view, watch store.Watch, version string) (again time.Duration, err error) {
	arn := v.svc.Service.ServiceArn
	touches, err := w.touches(ctx, v, watch, version)
	if err != nil {
		return w.unreadable(ctx, v, err)
	}
	watch.Seen = version
	if !touches {
		w.cfg.Log.Info("the new commit does not touch the service's directory", "service_arn", arn, "version", version)
		return 0, w.keep(ctx, &v, watch)
	}
	operation, err := w.cfg.Deploy(ctx, arn, store.Cause{Trigger: logs.TriggerPush, Version: version})
	switch kind := kindOf(err); {
	case err == nil:
		w.cfg.Log.Info("a new version is being deployed", "service_arn", arn, "version", version, "operation_id", operation)
		return 0, w.keep(ctx, &v, watch)
	case kind == api.KindInvalidState: // something else began meanwhile
		return waitForEnd, nil
	case kind == api.KindNotFound:
		return 0, nil
	}
	return retryAfter, fmt.Errorf("deploy version %s: %w", version, err)
}

func kindOf(err error) api.Kind {
	if e, ok := errors.AsType[*api.Error](err); ok {
		return e.Kind
	}
	return api.KindInternal
}

// touches tells whether there is something in the version for a service that is made of one directory of its repository.
func (w *Watcher) touches(ctx context.Context, v view, watch store.Watch, version string) (bool, error) {
	code := v.svc.Service.SourceConfiguration.CodeRepository
	if code == nil || code.SourceDirectory == nil || *code.SourceDirectory == "/" {
		return true, nil
	}
	from := cmp.Or(watch.Seen, deployed(v.svc.Deployed, watch.Origin))
	if from == "" {
		return true, nil
	}
	return w.cfg.Touches(ctx, v.svc, from, version)
}

// unreadable notes why the place could not be read. When that begins it tells the owner and wants another look soon. After
// that neither: the words of many a server are others each time, with a time or a number in them, and a registry that
// counts what it is asked would never answer again.
func (w *Watcher) unreadable(ctx context.Context, v view, cause error) (again time.Duration, err error) {
	if errors.Is(cause, context.Canceled) {
		return 0, cause
	}
	if v.watch.Failure == "" {
		again = retryAfter
		w.cfg.Event(v.svc.Service, logs.WatchFailed(cause.Error()))
	}
	watch := v.watch
	watch.Failure = cause.Error()
	return again, w.keep(context.WithoutCancel(ctx), &v, watch) // the look may have taken all its time
}
