package main

import (
	"context"
	"fmt"
	"time"

	"apron/logs"
	"apron/operation"
	"apron/store"
)

// instanceLog is the file that an instance writes its stdout and stderr to.
func (p *platform) instanceLog(serviceID, instanceID string) (string, error) {
	group, err := p.group(serviceID)
	if err != nil {
		return "", err
	}
	return p.logs.InstancePath(group, instanceID)
}

// event writes what fleet has to say of a service into its events stream.
func (p *platform) event(serviceID, text string) {
	group, err := p.group(serviceID)
	if err == nil {
		err = p.logs.Event(group, text)
	}
	if err != nil {
		p.log.Error("event could not be written", "service_id", serviceID, "error", err)
	}
}

// group finds the log group of a service by its id, which is all that an instance knows of it.
func (p *platform) group(serviceID string) (group logs.Service, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err = p.store.View(ctx, func(tx *store.Tx) error {
		svc, err := tx.ServiceByID(serviceID)
		group = operation.Group(svc.Service)
		return err
	})
	if err != nil {
		return group, fmt.Errorf("find the logs of service %s: %w", serviceID, err)
	}
	return group, nil
}
