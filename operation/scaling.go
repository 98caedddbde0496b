package operation

import (
	"context"
	"fmt"
	"time"

	"apron/autoscale"
	"apron/proxy"
	"apron/store"
	"apron/tags"
)

// retagLimit bounds the look into the store that a client waits for.
const retagLimit = 10 * time.Second

// tune brings into force how the service, which serves the version now, limits its requests and scales: what the version was
// deployed with, and what the service's tags say.
func (w *Worker) tune(ctx context.Context, svc store.Service) error {
	w.tuning.Lock()
	defer w.tuning.Unlock()
	w.served[svc.Service.ServiceArn] = svc.Deployed
	return w.tuneLocked(ctx, svc.Service.ServiceArn)
}

// shut leaves the service's size alone from now on.
func (w *Worker) shut(svc store.Service) {
	w.tuning.Lock()
	delete(w.served, svc.Service.ServiceArn)
	w.tuning.Unlock()
	w.cfg.Autoscale.Remove(svc.Service.ServiceId)
}

// Retagged brings the settings among the service's tags into force, if it is served. Otherwise they are as soon as it is. It
// blocks for a look into the store; what fails there is logged, and done when the service is opened the next time.
func (w *Worker) Retagged(arn string) {
	ctx, cancel := context.WithTimeout(context.Background(), retagLimit)
	defer cancel()
	w.tuning.Lock()
	defer w.tuning.Unlock()
	if w.served[arn] == nil {
		return
	}
	if err := w.tuneLocked(ctx, arn); err != nil {
		w.cfg.Log.Error("changed tags are not in force yet", "service_arn", arn, "error", err)
	}
}

func (w *Worker) tuneLocked(ctx context.Context, arn string) error {
	list, err := w.settings(ctx, arn)
	if err != nil {
		return err
	}
	s, d := list[0], w.served[arn]
	service := d.Config.ServiceId
	minSize, maxSize, concurrency := d.Scaling()
	w.cfg.Proxy.SetLimits(service, proxy.Limits{
		Concurrency: concurrency, MaxInstances: maxSize,
		Queue: s.Queue, QueueTime: s.QueueTime, RequestTimeout: s.RequestTimeout, BodyLimit: s.BodyLimit, H2C: s.H2C,
	})
	w.cfg.Fleet.KeepCPU(service, s.CPUAlways)
	w.cfg.Autoscale.Set(service, autoscale.Config{
		MinSize: minSize, MaxSize: maxSize, MaxConcurrency: concurrency,
		IdleTimeout: s.IdleTimeout, ScaleInAfter: s.ScaleInAfter,
	})
	return nil
}

// settings reads what the tags of each of the services say. Tags that another version of apron took and this one does not are
// passed over.
func (w *Worker) settings(ctx context.Context, arns ...string) (list []tags.Settings, err error) {
	err = w.cfg.Store.Read(ctx, func(tx *store.Tx) error {
		for _, arn := range arns {
			stored, err := tx.Tags(arn)
			if err != nil {
				return err
			}
			s, unknown := tags.Read(asMap(stored))
			if unknown != nil {
				w.cfg.Log.Warn("tags are passed over", "service_arn", arn, "error", unknown)
			}
			list = append(list, s)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the settings among the tags: %w", err)
	}
	return list, nil
}

func asMap(list []store.Tag) map[string]string {
	m := map[string]string{}
	for _, tag := range list {
		m[tag.Key] = tag.Value
	}
	return m
}
