package store

import (
	"cmp"
	"database/sql"
	"errors"
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
	Deployed *Deployment `json:"-"` // in a column of its own
}

// Deployment is one version of a service: an image and the configuration that it is run with. While an update is
// under way, Service already shows the configuration to come and Deployed.Config the one to go back to.
type Deployment struct {
	ID     string      `json:"id"`     // the operation that made it; names the revision in fleet
	Image  string      `json:"image"`  // manifest digest in the image store; empty until it is pulled
	Config api.Service `json:"config"` // what to run: source, instance, health check, auto scaling, network

	// As its auto scaling configuration has them; Scaling has what 0 in old records means.
	MinSize        int `json:"min_size,omitempty"`        // instances
	MaxSize        int `json:"max_size,omitempty"`        // instances
	MaxConcurrency int `json:"max_concurrency,omitempty"` // requests that one instance is given at a time

	RestoredFrom string `json:"restored_from,omitempty"` // the ID of the deployment that this one brings back, if it does

	// Of a service from source: the commit, once it is fetched, and what its configuration file or values say of the process,
	// once it is built. A version that is brought back has both from the start.
	Source *SourceVersion `json:"source,omitempty"`
	Run    *RunSettings   `json:"run,omitempty"`
}

// Scaling is how many instances the deployment has at least and at most, and how many requests each of them is given at a
// time: in records from before they were kept, as AWS's default configuration has it.
func (d Deployment) Scaling() (minSize, maxSize, maxConcurrency int) {
	return cmp.Or(d.MinSize, 1), cmp.Or(d.MaxSize, max(25, d.MinSize)), cmp.Or(d.MaxConcurrency, 100)
}

// SourceVersion is the commit that a version was built from.
type SourceVersion struct {
	Commit  string        `json:"commit"`
	Subject string        `json:"subject,omitempty"` // first line of its message
	Author  string        `json:"author,omitempty"`
	At      api.Timestamp `json:"at"`
}

// RunSettings are what a version that was built from source is started with.
type RunSettings struct {
	Command string            `json:"command"` // as it was written
	Port    int               `json:"port"`
	PortEnv string            `json:"port_env,omitempty"` // a variable beside PORT that has the port
	Env     map[string]string `json:"env,omitempty"`
	Host    bool              `json:"host,omitempty"` // it stands on this machine's own programs
}

// These must not take longer the more services there are beyond those that they find; a test holds their plans to that.
const (
	summariesQuery = `SELECT seq, name, id, url, created, updated, status FROM services
		WHERE account = ? AND region = ? AND deleted IS NULL AND seq > ? ORDER BY seq LIMIT ?`
	countQuery      = `SELECT count(*) FROM services WHERE account = ? AND region = ? AND deleted IS NULL`
	servicesInQuery = `SELECT seq, record, deployed FROM services WHERE status = ? ORDER BY seq`
	imagesQuery     = `WITH RECURSIVE used (image) AS (
			SELECT min(image) FROM services WHERE image IS NOT NULL AND deleted IS NULL
			UNION ALL
			SELECT (SELECT min(image) FROM services WHERE image IS NOT NULL AND deleted IS NULL AND image > used.image)
			FROM used WHERE used.image IS NOT NULL
		), kept (image) AS (
			SELECT min(image) FROM deployments
			UNION ALL
			SELECT (SELECT min(image) FROM deployments WHERE image > kept.image) FROM kept WHERE kept.image IS NOT NULL
		)
		SELECT image FROM used WHERE image IS NOT NULL UNION SELECT image FROM kept WHERE image IS NOT NULL`
)

// PutService writes the record, new or changed.
func (tx *Tx) PutService(s Service) error {
	record, err := encode(s)
	if err != nil {
		return err
	}
	var deployed, image any
	if s.Deployed != nil {
		if deployed, err = encode(s.Deployed); err != nil {
			return err
		}
		if s.Deployed.Image != "" {
			image = s.Deployed.Image
		}
	}
	c := s.Service
	err = tx.exec(`INSERT INTO services (arn, id, account, region, name, status, url, created, updated, deleted, image, record, deployed)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (arn) DO UPDATE SET status = excluded.status, url = excluded.url, updated = excluded.updated,
		deleted = excluded.deleted, image = excluded.image, record = excluded.record, deployed = excluded.deployed`,
		c.ServiceArn, c.ServiceId, s.Account, s.Region, c.ServiceName, c.Status, c.ServiceUrl,
		c.CreatedAt.UnixMilli(), c.UpdatedAt.UnixMilli(), deletedAt(s), image, record, deployed)
	if err != nil {
		return fmt.Errorf("write service %s: %w", c.ServiceArn, err)
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
	return tx.service(`SELECT seq, record, deployed FROM services WHERE arn = ?`, arn)
}

// ServiceShown is Service without what clients never see: half the work, for those who only look.
func (tx *Tx) ServiceShown(arn string) (api.Service, error) {
	s, err := one[Service](tx, `SELECT record FROM services WHERE arn = ?`, arn)
	return s.Service, err
}

// ServiceByID reads a service by its id, deleted ones included. ErrNotFound if there is none.
func (tx *Tx) ServiceByID(id string) (Service, error) {
	return tx.service(`SELECT seq, record, deployed FROM services WHERE id = ?`, id)
}

// ServiceNamed reads the service that holds the name. ErrNotFound if the name is free.
func (tx *Tx) ServiceNamed(account, region, name string) (Service, error) {
	return tx.service(`SELECT seq, record, deployed FROM services
		WHERE account = ? AND region = ? AND name = ? AND deleted IS NULL`, account, region, name)
}

// ServicesIn lists the services of all accounts and regions that have the status, oldest first.
func (tx *Tx) ServicesIn(status api.ServiceStatus) ([]Row[Service], error) {
	return list(tx, scanService, servicesInQuery, status)
}

func (tx *Tx) service(query string, key ...any) (Service, error) {
	found, err := list(tx, scanService, query, key...)
	if err != nil || len(found) == 0 {
		return Service{}, cmp.Or(err, ErrNotFound)
	}
	return found[0].Record, nil
}

func scanService(rows *sql.Rows) (row Row[Service], err error) {
	var record, deployed []byte
	if err := rows.Scan(&row.Seq, &record, &deployed); err != nil {
		return row, err
	}
	if deployed != nil {
		row.Record.Deployed = &Deployment{}
		err = decode(deployed, row.Record.Deployed)
	}
	return row, errors.Join(err, decode(record, &row.Record))
}

// Summaries lists the account's services that are not deleted, oldest first, from the one after the given place
// in the list (0 = from the start), at most limit of them (-1 = all).
func (tx *Tx) Summaries(account, region string, after int64, limit int) ([]Row[api.ServiceSummary], error) {
	arn := api.ARN{Account: account, Region: region, Kind: api.ResourceService}
	return list(tx, func(rows *sql.Rows) (row Row[api.ServiceSummary], err error) {
		s := &row.Record
		var created, updated int64
		err = rows.Scan(&row.Seq, &arn.Name, &arn.ID, &s.ServiceUrl, &created, &updated, &s.Status)
		s.ServiceName, s.ServiceId, s.ServiceArn = new(arn.Name), new(arn.ID), new(arn.String())
		s.CreatedAt, s.UpdatedAt = new(api.At(time.UnixMilli(created))), new(api.At(time.UnixMilli(updated)))
		return row, err
	}, summariesQuery, account, region, after, limit)
}

// Images lists the digests of the images that services are deployed from or can go back to, deleted services excepted. It
// takes as long as there are images, not services: it asks for the next higher digest until there is none.
func (tx *Tx) Images() ([]string, error) {
	return tx.texts(imagesQuery)
}

// CountServices counts the account's services that are not deleted.
func (tx *Tx) CountServices(account, region string) (n int, err error) {
	err = tx.scalar(&n, countQuery, account, region)
	return n, err
}

// PurgeServices forgets services that were deleted before the given time, with their operations and tags.
func (tx *Tx) PurgeServices(before time.Time) error {
	const gone = `(SELECT arn FROM services WHERE deleted < ?)`
	for _, query := range []string{
		`DELETE FROM operations WHERE arn IN ` + gone,
		`DELETE FROM deployments WHERE arn IN ` + gone,
		`DELETE FROM tags WHERE arn IN ` + gone,
		`DELETE FROM watches WHERE arn IN ` + gone,
		`DELETE FROM domains WHERE service IN ` + gone,
		`DELETE FROM services WHERE deleted < ?`,
	} {
		if err := tx.exec(query, before.UnixMilli()); err != nil {
			return fmt.Errorf("purge deleted services: %w", err)
		}
	}
	return nil
}
