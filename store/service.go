package store

import (
	"fmt"
	"time"

	"apron/api"
)

// Service is a service as clients see it, and what apron itself must remember of it.
type Service struct {
	Account string      `json:"account"`
	Region  string      `json:"region"`
	Service api.Service `json:"service"`

	// Deployed is the version that runs, or that a resume brings back. Nil until a deployment has succeeded.
	Deployed *Deployment `json:"deployed,omitempty"`
}

// Deployment is one version of a service: an image and the configuration that it is run with. While an update is
// under way, Service already shows the configuration to come and Deployed.Config the one to go back to.
type Deployment struct {
	ID     string      `json:"id"`     // the operation that made it; names the revision in fleet
	Image  string      `json:"image"`  // manifest digest in the image store; empty until it is pulled
	Config api.Service `json:"config"` // what to run: source, instance, health check, auto scaling, network

	MinSize int `json:"min_size,omitempty"` // instances, as its auto scaling configuration has them; 0 in old records is 1
}

// PutService writes the record, new or changed.
func (tx *Tx) PutService(s Service) error {
	text, err := encode(s)
	if err != nil {
		return err
	}
	err = tx.exec(`INSERT INTO services (arn, id, account, region, name, status, deleted, record) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (arn) DO UPDATE SET status = excluded.status, deleted = excluded.deleted, record = excluded.record`,
		s.Service.ServiceArn, s.Service.ServiceId, s.Account, s.Region, s.Service.ServiceName, s.Service.Status, deletedAt(s), text)
	if err != nil {
		return fmt.Errorf("write service %s: %w", s.Service.ServiceArn, err)
	}
	return tx.putLinks(s)
}

func deletedAt(s Service) any {
	if s.Service.DeletedAt == nil {
		return nil
	}
	return s.Service.DeletedAt.UnixMilli()
}

// Service reads a service by its full ARN, deleted ones included. ErrNotFound if there is none.
func (tx *Tx) Service(arn string) (Service, error) {
	return one[Service](tx, `SELECT record FROM services WHERE arn = ?`, arn)
}

// ServiceByID reads a service by its id, deleted ones included. ErrNotFound if there is none.
func (tx *Tx) ServiceByID(id string) (Service, error) {
	return one[Service](tx, `SELECT record FROM services WHERE id = ?`, id)
}

// ServiceNamed reads the service that holds the name. ErrNotFound if the name is free.
func (tx *Tx) ServiceNamed(account, region, name string) (Service, error) {
	return one[Service](tx, `SELECT record FROM services
		WHERE account = ? AND region = ? AND name = ? AND deleted IS NULL`, account, region, name)
}

// Services lists the account's services that are not deleted, oldest first, from the one after the given place
// in the list (0 = from the start), at most limit of them (-1 = all).
func (tx *Tx) Services(account, region string, after int64, limit int) ([]Row[Service], error) {
	return all[Service](tx, `SELECT seq, record FROM services
		WHERE account = ? AND region = ? AND deleted IS NULL AND seq > ? ORDER BY seq LIMIT ?`, account, region, after, limit)
}

// EveryService lists the services of all accounts and regions that are not deleted, oldest first.
func (tx *Tx) EveryService() ([]Row[Service], error) {
	return all[Service](tx, `SELECT seq, record FROM services WHERE deleted IS NULL ORDER BY seq`)
}

// CountServices counts the account's services that are not deleted.
func (tx *Tx) CountServices(account, region string) (n int, err error) {
	err = tx.scalar(&n, `SELECT count(*) FROM services WHERE account = ? AND region = ? AND deleted IS NULL`, account, region)
	return n, err
}

// PurgeServices forgets services that were deleted before the given time, with their operations and tags.
func (tx *Tx) PurgeServices(before time.Time) error {
	const gone = `(SELECT arn FROM services WHERE deleted < ?)`
	for _, query := range []string{
		`DELETE FROM operations WHERE arn IN ` + gone,
		`DELETE FROM tags WHERE arn IN ` + gone,
		`DELETE FROM domains WHERE service IN ` + gone,
		`DELETE FROM services WHERE deleted < ?`,
	} {
		if err := tx.exec(query, before.UnixMilli()); err != nil {
			return fmt.Errorf("purge deleted services: %w", err)
		}
	}
	return nil
}
