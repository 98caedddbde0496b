package control

import (
	"context"
	"errors"

	"apron/api"
	"apron/store"
)

// providedAutoScaling is the configuration that AWS gives to every account and region: up to 100 requests at once an
// instance, from 1 to 25 instances. Its ARN is known to clients.
func (c *Control) providedAutoScaling(caller api.Caller) scaling {
	return newScaling(providedARN(caller, api.ResourceAutoScalingConfiguration), api.AutoScalingConfiguration{
		MaxConcurrency: new(100),
		MinSize:        new(1),
		MaxSize:        new(c.usualMaxSize()),
	})
}

// ensureDefault gives the account and region the configurations that AWS provides, unless they have had them before.
// The auto scaling one is the default and from then on a configuration like any other; the observability one stays.
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
		provided := c.providedAutoScaling(caller)
		return errors.Join(
			store.PutResource(tx, provided),
			tx.SetDefaultAutoScaling(caller.Account, caller.Region, provided.ARN.String()),
			store.PutResource(tx, providedObservability(caller)),
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
	r, err := findScaling(tx, caller, *arn)
	if _, ours := errors.AsType[*api.Error](err); ours {
		err = api.InvalidRequest("The auto scaling configuration ARN you specified isn't valid. ARN: '%s'", *arn)
	}
	return r.Record, err
}
