package control

import (
	"errors"
	"time"

	"apron/api"
	"apron/store"
)

// nouns are what messages call the kinds of resource.
var nouns = map[api.ResourceKind]string{
	api.ResourceService:                    "service",
	api.ResourceConnection:                 "connection",
	api.ResourceAutoScalingConfiguration:   "auto scaling configuration",
	api.ResourceObservabilityConfiguration: "observability configuration",
	api.ResourceVpcConnector:               "VPC connector",
	api.ResourceVpcIngressConnection:       "VPC ingress connection",
}

// find reads the caller's resource of the kind by its ARN, which may be partial where its kind allows that. Deleted ones
// are found as long as they are describable.
func find[T any](tx *store.Tx, caller api.Caller, kind api.ResourceKind, arn string) (store.Resource[T], error) {
	parsed, err := api.ParseARN(arn, kind)
	if err != nil {
		return store.Resource[T]{}, err
	}
	if err := parsed.CheckOwner(caller); err != nil {
		return store.Resource[T]{}, err
	}
	r, err := store.FindResource[T](tx, parsed)
	gone := err == nil && r.Deleted != nil && time.Since(r.Deleted.Time) > describable
	if errors.Is(err, store.ErrNotFound) || gone {
		return store.Resource[T]{}, api.NotFound("No %s with the ARN %s. List them to see their ARNs.", nouns[kind], arn)
	}
	return r, err
}

// findLive is find for what can still be used.
func findLive[T any](tx *store.Tx, caller api.Caller, kind api.ResourceKind, arn string) (store.Resource[T], error) {
	r, err := find[T](tx, caller, kind, arn)
	if err == nil && r.Deleted != nil {
		return store.Resource[T]{}, api.NotFound("The %s %s is deleted.", nouns[kind], r.ARN)
	}
	return r, err
}

// newARN names a new resource of the caller's. revision is 0 for kinds that have none.
func newARN(caller api.Caller, kind api.ResourceKind, name string, revision int) api.ARN {
	return api.ARN{Region: caller.Region, Account: caller.Account, Kind: kind, Name: name, Revision: revision, ID: api.NewID()}
}

// unusedName refuses a new resource whose name another one has that is not deleted.
func unusedName(tx *store.Tx, arn api.ARN) error {
	arn.Revision, arn.ID = 0, ""
	taken, err := store.FindResource[struct{}](tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err == nil {
		err = api.InvalidRequest("There is a %s named %s already: %s. Use that one, choose another name, or delete it first.",
			nouns[arn.Kind], arn.Name, taken.ARN)
	}
	return err
}

// roomFor keeps a quota on the names of a kind; quota is its name and nouns, in the plural, what there are too many of.
func (c *Control) roomFor(tx *store.Tx, arn api.ARN, quota, nouns string) error {
	have, err := tx.CountNames(arn.Account, arn.Region, arn.Kind)
	if err != nil {
		return err
	}
	return c.underQuota(quota, have, nouns+" in "+arn.Region)
}
