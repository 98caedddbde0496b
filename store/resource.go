package store

import (
	"fmt"
	"time"

	"apron/api"
)

// Resource is a configuration, connection or connector: everything but services that has an ARN. T is its record, which
// clients see in part or whole.
type Resource[T any] struct {
	ARN api.ARN `json:"arn"` // with revision and id, as far as its kind has them

	Service string         `json:"service,omitempty"` // ARN of the one service that it belongs to; empty if it is shared
	Moving  bool           `json:"moving,omitempty"`  // its status is one that it is to leave by itself
	Deleted *api.Timestamp `json:"deleted,omitempty"` // since when it is of no use, though it can be described; nil before

	Record T `json:"record"`
}

// PutResource writes the resource, new or changed.
func PutResource[T any](tx *Tx, r Resource[T]) error {
	text, err := encode(r)
	if err != nil {
		return err
	}
	var service, deleted any
	if r.Service != "" {
		service = r.Service
	}
	if r.Deleted != nil {
		deleted = r.Deleted.UnixMilli()
	}
	err = tx.exec(`INSERT INTO resources (arn, kind, account, region, name, revision, service, moving, deleted, record)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (arn) DO UPDATE SET moving = excluded.moving, deleted = excluded.deleted, record = excluded.record`,
		r.ARN.String(), r.ARN.Kind, r.ARN.Account, r.ARN.Region, r.ARN.Name, r.ARN.Revision, service, r.Moving, deleted, text)
	if err != nil {
		return fmt.Errorf("write %s: %w", r.ARN, err)
	}
	return nil
}

// FindResource reads the resource that the ARN names, deleted ones included. A partial ARN means, without a revision, the
// highest one of that name that is not deleted, and with one the newest resource of that name and revision. ErrNotFound
// if there is none.
func FindResource[T any](tx *Tx, arn api.ARN) (Resource[T], error) {
	switch {
	case arn.ID != "":
		return one[Resource[T]](tx, `SELECT record FROM resources WHERE arn = ?`, arn.String())
	case arn.Revision > 0:
		return one[Resource[T]](tx, `SELECT record FROM resources
			WHERE account = ? AND region = ? AND kind = ? AND name = ? AND revision = ? ORDER BY seq DESC LIMIT 1`,
			arn.Account, arn.Region, arn.Kind, arn.Name, arn.Revision)
	}
	return one[Resource[T]](tx, `SELECT record FROM resources
		WHERE account = ? AND region = ? AND kind = ? AND name = ? AND deleted IS NULL ORDER BY revision DESC LIMIT 1`,
		arn.Account, arn.Region, arn.Kind, arn.Name)
}

// ResourceList selects resources of one kind of an account in a region.
type ResourceList struct {
	Account, Region string
	Kind            api.ResourceKind

	Name       string // only those of this name; empty for all
	Service    string // only those that belong to this service; empty for all
	LatestOnly bool   // of each name only the highest revision
	Also       string // with LatestOnly, the full ARN of one that is listed whatever its revision; empty for none

	After int64 // the place in the list of the last one that the client has; 0 = from the start
	Limit int   // -1 = all
}

// Resources lists those that are not deleted, oldest first.
func Resources[T any](tx *Tx, l ResourceList) ([]Row[Resource[T]], error) {
	return all[Resource[T]](tx, `SELECT seq, record FROM resources AS r
		WHERE account = ?1 AND region = ?2 AND kind = ?3 AND deleted IS NULL AND seq > ?4
		AND (?5 = '' OR name = ?5) AND (?6 = '' OR service = ?6)
		AND (NOT ?7 OR r.arn = ?9 OR NOT EXISTS (SELECT 1 FROM resources AS higher WHERE higher.account = r.account AND higher.region = r.region
			AND higher.kind = r.kind AND higher.name = r.name AND higher.revision > r.revision AND higher.deleted IS NULL))
		ORDER BY seq LIMIT ?8`,
		l.Account, l.Region, l.Kind, l.After, l.Name, l.Service, l.LatestOnly, l.Limit, l.Also)
}

// MovingResources lists the resources of a kind, of all accounts, whose status is one that they are to leave by themselves.
func MovingResources[T any](tx *Tx, kind api.ResourceKind) ([]Row[Resource[T]], error) {
	return all[Resource[T]](tx, `SELECT seq, record FROM resources WHERE moving AND kind = ? ORDER BY seq`, kind)
}

// LastRevision is the highest revision that the configuration's name ever had, deleted ones included; 0 if none.
func (tx *Tx) LastRevision(arn api.ARN) (n int, err error) {
	err = tx.scalar(&n, `SELECT coalesce(max(revision), 0) FROM resources
		WHERE account = ? AND region = ? AND kind = ? AND name = ?`, arn.Account, arn.Region, arn.Kind, arn.Name)
	return n, err
}

// CountNames counts the names that resources of a kind have which are not deleted.
func (tx *Tx) CountNames(account, region string, kind api.ResourceKind) (n int, err error) {
	err = tx.scalar(&n, `SELECT count(DISTINCT name) FROM resources
		WHERE account = ? AND region = ? AND kind = ? AND deleted IS NULL`, account, region, kind)
	return n, err
}

// CountRevisions counts the resources of the ARN's name that are not deleted.
func (tx *Tx) CountRevisions(arn api.ARN) (n int, err error) {
	err = tx.scalar(&n, `SELECT count(*) FROM resources
		WHERE account = ? AND region = ? AND kind = ? AND name = ? AND deleted IS NULL`, arn.Account, arn.Region, arn.Kind, arn.Name)
	return n, err
}

func (tx *Tx) scalar(into any, query string, args ...any) error {
	if err := tx.sql.QueryRowContext(tx.ctx, query, args...).Scan(into); err != nil {
		return fmt.Errorf("read number: %w", err)
	}
	return nil
}

// PurgeResources forgets resources that were deleted before the given time, with their tags. The highest revision of a
// configuration's name stays, so that its number is never given again; VPC connectors are all revision 1.
func (tx *Tx) PurgeResources(before time.Time) error {
	const gone = `deleted < ?1 AND (revision = 0 OR kind = 'vpcconnector' OR revision < (SELECT max(revision) FROM resources AS other
		WHERE other.account = resources.account AND other.region = resources.region
		AND other.kind = resources.kind AND other.name = resources.name))`
	for _, query := range []string{
		`DELETE FROM tags WHERE arn IN (SELECT arn FROM resources WHERE ` + gone + `)`,
		`DELETE FROM resources WHERE ` + gone,
	} {
		if err := tx.exec(query, before.UnixMilli()); err != nil {
			return fmt.Errorf("purge deleted resources: %w", err)
		}
	}
	return nil
}
