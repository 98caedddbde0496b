package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"

	"apron/api"
	"apron/store"
)

// batch is how many services are written in one transaction.
const batch = 1000

// fill multiplies the one service of the database at path, with all that its create and pause left there, until there
// are n of it. No server may run on the database.
func fill(ctx context.Context, path string, n int) (err error) {
	s, err := store.Open(ctx, path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	original, err := readOriginal(ctx, s)
	if err != nil {
		return err
	}
	for done := 1; done < n; done += batch {
		err := s.Update(ctx, func(tx *store.Tx) error {
			for i := done; i < min(done+batch, n); i++ {
				if err := original.copy(fmt.Sprintf("paused-%06d", i)).put(tx); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// records are a service and its operations, the oldest first.
type records struct {
	service    store.Service
	operations []store.Operation
}

func readOriginal(ctx context.Context, s *store.Store) (r records, err error) {
	err = s.View(ctx, func(tx *store.Tx) error {
		services, err := tx.ServicesIn(api.StatusPaused)
		if err != nil {
			return err
		}
		if len(services) != 1 {
			return fmt.Errorf("the database has %d paused services; it must have one that can be multiplied", len(services))
		}
		r.service = services[0].Record
		operations, err := tx.Operations(r.service.Service.ServiceArn, 0, -1)
		for _, row := range slices.Backward(operations) {
			r.operations = append(r.operations, row.Record)
		}
		return err
	})
	return r, err
}

// copy makes another service of the name that went through the same.
func (r records) copy(name string) records {
	svc := r.service
	ids := map[string]string{} // of operations: the copy's by the original's
	for _, op := range r.operations {
		ids[op.ID()] = api.NewID()
	}
	id := api.NewID()
	arn := api.ARN{Region: svc.Region, Account: svc.Account, Kind: api.ResourceService, Name: name, ID: id}.String()
	_, domain, _ := strings.Cut(*svc.Service.ServiceUrl, ".")
	url := strings.ToLower(rand.Text()[:10]) + "." + domain
	rename := func(s *api.Service) { s.ServiceName, s.ServiceId, s.ServiceArn, s.ServiceUrl = name, id, arn, &url }
	deployment := func(d *store.Deployment) *store.Deployment {
		if d == nil {
			return nil
		}
		made := *d
		made.ID = ids[d.ID]
		rename(&made.Config)
		return &made
	}
	rename(&svc.Service)
	svc.Deployed = deployment(svc.Deployed)
	twin := records{service: svc}
	for _, op := range r.operations {
		op.Summary.Id, op.Summary.TargetArn = new(ids[op.ID()]), &arn
		op.Target, op.Previous = deployment(op.Target), deployment(op.Previous)
		twin.operations = append(twin.operations, op)
	}
	return twin
}

func (r records) put(tx *store.Tx) error {
	err := tx.PutService(r.service)
	for _, op := range r.operations {
		err = errors.Join(err, tx.PutOperation(op))
	}
	return err
}
