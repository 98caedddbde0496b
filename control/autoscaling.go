package control

import (
	"context"
	"errors"
	"time"

	"apron/api"
	"apron/store"
)

// providedAutoScaling is the configuration that AWS gives to every account and region: up to 100 requests at once an
// instance, from 1 to 25 instances. Its ARN is known to clients.
func providedAutoScaling(caller api.Caller) store.Resource[api.AutoScalingConfiguration] {
	arn := api.ARN{
		Region: caller.Region, Account: caller.Account, Kind: api.ResourceAutoScalingConfiguration,
		Name: "DefaultConfiguration", Revision: 1, ID: "00000000000000000000000000000001",
	}
	return store.Resource[api.AutoScalingConfiguration]{ARN: arn, Record: api.AutoScalingConfiguration{
		AutoScalingConfigurationArn:      new(arn.String()),
		AutoScalingConfigurationName:     &arn.Name,
		AutoScalingConfigurationRevision: &arn.Revision,
		Status:                           new(api.AutoScalingConfigurationActive),
		MaxConcurrency:                   new(100),
		MinSize:                          new(1),
		MaxSize:                          new(25),
		CreatedAt:                        new(api.At(time.Now())),
	}}
}

// ensureDefault gives the account and region the configuration that AWS provides, as the default one, unless they have
// had it before: from then on it is a configuration like any other.
func (c *Control) ensureDefault(ctx context.Context, caller api.Caller) error {
	has := func(tx *store.Tx) error {
		_, err := tx.DefaultAutoScaling(caller.Account, caller.Region)
		return err
	}
	err := c.cfg.Store.View(ctx, has)
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return c.cfg.Store.Update(ctx, func(tx *store.Tx) error {
		if err := has(tx); !errors.Is(err, store.ErrNotFound) {
			return err
		}
		provided := providedAutoScaling(caller)
		return errors.Join(
			store.PutResource(tx, provided),
			tx.SetDefaultAutoScaling(caller.Account, caller.Region, provided.ARN.String()),
		)
	})
}

// autoScaling finds the configuration that a service is to have: the one that arn names, in any of its forms, or the
// account's default when it is nil. ensureDefault must have been called.
func autoScaling(tx *store.Tx, caller api.Caller, arn *string) (api.AutoScalingConfiguration, error) {
	if arn == nil {
		full, err := tx.DefaultAutoScaling(caller.Account, caller.Region)
		if err != nil {
			return api.AutoScalingConfiguration{}, err
		}
		arn = &full
	}
	r, err := findLive[api.AutoScalingConfiguration](tx, caller, api.ResourceAutoScalingConfiguration, *arn)
	if _, ours := errors.AsType[*api.Error](err); ours {
		err = api.InvalidRequest("The auto scaling configuration ARN you specified isn't valid. ARN: '%s'", *arn)
	}
	return r.Record, err
}
