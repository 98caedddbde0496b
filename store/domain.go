package store

import (
	"fmt"

	"apron/api"
)

// Domain is a custom domain of a service.
type Domain struct {
	Service string           `json:"service"` // ARN
	Domain  api.CustomDomain `json:"domain"`  // its DomainName is in lower case
	Moving  bool             `json:"moving"`  // its status is one that it is to leave by itself
}

// PutDomain writes the record, new or changed.
func (tx *Tx) PutDomain(d Domain) error {
	text, err := encode(d)
	if err != nil {
		return err
	}
	err = tx.exec(`INSERT INTO domains (name, service, moving, record) VALUES (?, ?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET moving = excluded.moving, record = excluded.record`,
		d.Domain.DomainName, d.Service, d.Moving, text)
	if err != nil {
		return fmt.Errorf("write domain %s: %w", d.Domain.DomainName, err)
	}
	return nil
}

// DeleteDomain forgets the domain; its name is free.
func (tx *Tx) DeleteDomain(name string) error {
	if err := tx.exec(`DELETE FROM domains WHERE name = ?`, name); err != nil {
		return fmt.Errorf("delete domain %s: %w", name, err)
	}
	return nil
}

// DeleteDomains forgets the service's domains; their names are free.
func (tx *Tx) DeleteDomains(service string) error {
	if err := tx.exec(`DELETE FROM domains WHERE service = ?`, service); err != nil {
		return fmt.Errorf("delete domains of %s: %w", service, err)
	}
	return nil
}

// Domain reads a custom domain of any account by its name in lower case. ErrNotFound if nobody has it.
func (tx *Tx) Domain(name string) (Domain, error) {
	return one[Domain](tx, `SELECT record FROM domains WHERE name = ?`, name)
}

// Domains lists the service's custom domains, oldest first, from the one after the given place in the list (0 = from the
// start), at most limit of them (-1 = all).
func (tx *Tx) Domains(service string, after int64, limit int) ([]Row[Domain], error) {
	return all[Domain](tx, `SELECT seq, record FROM domains WHERE service = ? AND seq > ? ORDER BY seq LIMIT ?`, service, after, limit)
}

// MovingDomains lists the custom domains of all accounts whose status is one that they are to leave by themselves.
func (tx *Tx) MovingDomains() ([]Row[Domain], error) {
	return all[Domain](tx, `SELECT seq, record FROM domains WHERE moving ORDER BY seq`)
}
