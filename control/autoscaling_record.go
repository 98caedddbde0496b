package control

import (
	"context"
	"time"

	"apron/api"
	"apron/store"
)

// scaling is an auto scaling configuration as it is stored: without Latest, IsDefault and HasAssociatedService, which
// change with others and are found out for each answer.
type scaling = store.Resource[api.AutoScalingConfiguration]

// newScaling completes what a revision that begins now is stored as; record has its sizes.
func newScaling(arn api.ARN, record api.AutoScalingConfiguration) scaling {
	record.AutoScalingConfigurationArn = new(arn.String())
	record.AutoScalingConfigurationName = &arn.Name
	record.AutoScalingConfigurationRevision = &arn.Revision
	record.Status = new(api.AutoScalingConfigurationActive)
	record.CreatedAt = new(api.At(time.Now()))
	return scaling{ARN: arn, Record: record}
}

// usualMaxSize is the MaxSize of who gives none: App Runner's, as far as the quota allows it.
func (c *Control) usualMaxSize() int {
	return max(1, min(25, c.cfg.Quotas.InstancesPerService))
}

// checkSizes refuses what the model's ranges let through.
func (c *Control) checkSizes(minSize, maxSize int) error {
	if quota := c.cfg.Quotas.InstancesPerService; maxSize > quota {
		return api.QuotaExceeded("MaxSize is %d and the quota instances-per-service is %d. Give a smaller MaxSize, or start the server with --quota instances-per-service=%d.",
			maxSize, quota, maxSize)
	}
	if minSize > maxSize {
		return api.InvalidRequest("MinSize is %d and must not be greater than MaxSize, which is %d. Give a smaller MinSize or a greater MaxSize.", minSize, maxSize)
	}
	return nil
}

func findScaling(tx *store.Tx, caller api.Caller, arn string) (scaling, error) {
	return findLive[api.AutoScalingConfiguration](tx, caller, api.ResourceAutoScalingConfiguration, arn)
}

// viewScaling completes the configuration to what clients see.
func viewScaling(tx *store.Tx, r scaling) (*api.AutoScalingConfiguration, error) {
	newest, err := latest(tx, r)
	if err != nil {
		return nil, err
	}
	used, err := tx.InUse(r.ARN.String())
	if err != nil {
		return nil, err
	}
	standard, err := tx.DefaultAutoScaling(r.ARN.Account, r.ARN.Region)
	s := r.Record
	s.Latest, s.HasAssociatedService, s.IsDefault = &newest, &used, new(standard == r.ARN.String())
	return &s, err
}

// deleteScaling marks the revision deleted, unless it is the default or in use.
func deleteScaling(tx *store.Tx, r scaling) (scaling, error) {
	s, err := viewScaling(tx, r)
	switch {
	case err != nil:
		return r, err
	case *s.IsDefault:
		return r, api.InvalidRequest("You can't delete the auto scaling configuration. It's the default that new services get. To delete it, make another one the default with UpdateDefaultAutoScalingConfiguration.")
	case *s.HasAssociatedService:
		return r, api.InvalidRequest("You can't delete the auto scaling configuration. It's used by one or more services. To delete it, update the services to use other auto scaling configurations.")
	}
	r.Deleted = new(api.At(time.Now()))
	r.Record.DeletedAt, r.Record.Status = r.Deleted, new(api.AutoScalingConfigurationInactive)
	return r, store.PutResource(tx, r)
}

// showScaling finds or makes a configuration in a transaction that run, the store's View or Update, begins, and returns
// it as clients see it. The account has its default by then.
func (c *Control) showScaling(ctx context.Context, caller api.Caller, run func(context.Context, func(*store.Tx) error) error,
	get func(*store.Tx) (scaling, error)) (*api.AutoScalingConfiguration, error) {
	if err := c.ensureDefault(ctx, caller); err != nil {
		return nil, err
	}
	var s *api.AutoScalingConfiguration
	err := run(ctx, func(tx *store.Tx) error {
		r, err := get(tx)
		if err != nil {
			return err
		}
		s, err = viewScaling(tx, r)
		return err
	})
	return s, err
}
