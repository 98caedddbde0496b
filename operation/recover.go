package operation

import (
	"context"
	"fmt"

	"apron/api"
	"apron/fleet"
	"apron/store"
)

// Recover brings fleet and proxy to what the store says after a start of the server: services that run are kept at
// their size and reachable, services with an open operation keep the instances they have until Run goes on with it,
// and whatever no record knows is removed. Call it once, before Run.
func (w *Worker) Recover(ctx context.Context) error {
	services, under, err := w.active(ctx)
	if err != nil {
		return fmt.Errorf("recover services: %w", err)
	}
	desired, busy, err := intents(services, under)
	if err != nil {
		return err
	}
	if err := w.markZero(ctx, services, desired); err != nil {
		return err
	}
	if err := w.cfg.Fleet.Recover(ctx, desired, busy); err != nil {
		return fmt.Errorf("recover instances: %w", err)
	}
	return w.reopen(ctx, services, under)
}

// markZero marks the revisions of services that may be scaled to zero. Whether one had been is to be seen from its having no
// instance: nothing is written when services fall asleep and wake, which thousands of times a day would be.
func (w *Worker) markZero(ctx context.Context, services []store.Service, desired []fleet.Revision) error {
	arns := map[string]string{}
	for _, svc := range services {
		arns[svc.Service.ServiceId] = svc.Service.ServiceArn
	}
	var asked []string
	for _, rev := range desired {
		asked = append(asked, arns[rev.Service])
	}
	settings, err := w.settings(ctx, asked...)
	for i, s := range settings {
		desired[i].Zero = s.IdleTimeout > 0
	}
	return err
}

// active reads the services that run or have an open operation, and these operations by their services' ARNs. Those that rest
// in any other way hold nothing on the machine, and may be very many.
func (w *Worker) active(ctx context.Context) (services []store.Service, under map[string]store.Operation, err error) {
	under = map[string]store.Operation{}
	err = w.cfg.Store.View(ctx, func(tx *store.Tx) error {
		open, err := tx.OpenOperations()
		if err != nil {
			return err
		}
		for _, row := range open {
			svc, err := tx.Service(row.Record.ServiceArn())
			if err != nil {
				return err
			}
			services, under[row.Record.ServiceArn()] = append(services, svc), row.Record
		}
		running, err := tx.ServicesIn(api.StatusRunning)
		for _, row := range running {
			if _, open := under[row.Record.Service.ServiceArn]; !open {
				services = append(services, row.Record)
			}
		}
		return err
	})
	return services, under, err
}

// intents tells which revisions have to run and whose instances an operation decides about.
func intents(services []store.Service, under map[string]store.Operation) (desired []fleet.Revision, busy []string, err error) {
	for _, svc := range services {
		op, open := under[svc.Service.ServiceArn]
		if open {
			busy = append(busy, svc.Service.ServiceId)
		}
		if !serving(svc, op, open) {
			continue
		}
		rev, err := Revision(*svc.Deployed)
		if err != nil {
			return nil, nil, fmt.Errorf("recover service %s: %w", svc.Service.ServiceArn, err)
		}
		desired = append(desired, rev)
	}
	return desired, busy, nil
}

// serving tells whether the service's URL is to answer: it runs and nothing is under way, or what is under way
// leaves the deployed version in place.
func serving(svc store.Service, op store.Operation, open bool) bool {
	if svc.Deployed == nil {
		return false
	}
	if open {
		return planOf(op).keepsServing
	}
	return svc.Service.Status == api.StatusRunning
}

func (w *Worker) reopen(ctx context.Context, services []store.Service, under map[string]store.Operation) error {
	for _, svc := range services {
		if op, open := under[svc.Service.ServiceArn]; serving(svc, op, open) {
			if err := (&run{Worker: w, svc: svc}).openRoute(ctx); err != nil {
				return fmt.Errorf("reopen service %s: %w", svc.Service.ServiceArn, err)
			}
		}
	}
	return nil
}
