package control

import (
	"cmp"
	"context"
	"errors"
	"strconv"

	"apron/api"
	"apron/store"
)

// CreateAutoScalingConfiguration makes the next revision of the name, which is the first one for a new name.
func (c *Control) CreateAutoScalingConfiguration(ctx context.Context, caller api.Caller, in *api.CreateAutoScalingConfigurationRequest) (*api.CreateAutoScalingConfigurationResponse, error) {
	record := api.AutoScalingConfiguration{
		MaxConcurrency: cmp.Or(in.MaxConcurrency, new(100)),
		MinSize:        cmp.Or(in.MinSize, new(1)),
		MaxSize:        cmp.Or(in.MaxSize, new(c.usualMaxSize())),
	}
	if err := c.checkSizes(*record.MinSize, *record.MaxSize); err != nil {
		return nil, err
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	out, err := c.showScaling(ctx, caller, c.cfg.Store.Update, func(tx *store.Tx) (scaling, error) {
		arn, err := c.nextRevision(tx, caller, autoScalings, in.AutoScalingConfigurationName)
		if err != nil {
			return scaling{}, err
		}
		r := newScaling(arn, record)
		return r, errors.Join(store.PutResource(tx, r), putTags(tx, arn.String(), in.Tags))
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateAutoScalingConfigurationResponse{AutoScalingConfiguration: out}, nil
}

// DescribeAutoScalingConfiguration tells all of a revision, also of one deleted within the last hour.
func (c *Control) DescribeAutoScalingConfiguration(ctx context.Context, caller api.Caller, in *api.DescribeAutoScalingConfigurationRequest) (*api.DescribeAutoScalingConfigurationResponse, error) {
	out, err := c.showScaling(ctx, caller, c.cfg.Store.View, func(tx *store.Tx) (scaling, error) {
		return find[api.AutoScalingConfiguration](tx, caller, api.ResourceAutoScalingConfiguration, in.AutoScalingConfigurationArn)
	})
	if err != nil {
		return nil, err
	}
	return &api.DescribeAutoScalingConfigurationResponse{AutoScalingConfiguration: out}, nil
}

// DeleteAutoScalingConfiguration deletes one revision, or all of a name. What is the default or in use is refused.
func (c *Control) DeleteAutoScalingConfiguration(ctx context.Context, caller api.Caller, in *api.DeleteAutoScalingConfigurationRequest) (*api.DeleteAutoScalingConfigurationResponse, error) {
	if in.DeleteAllRevisions != nil && *in.DeleteAllRevisions {
		return c.deleteAllScalings(ctx, caller, in.AutoScalingConfigurationArn)
	}
	out, err := c.showScaling(ctx, caller, c.cfg.Store.Update, func(tx *store.Tx) (scaling, error) {
		r, err := findScaling(tx, caller, in.AutoScalingConfigurationArn)
		if err != nil {
			return r, err
		}
		return deleteScaling(tx, r)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteAutoScalingConfigurationResponse{AutoScalingConfiguration: out}, nil
}

// deleteAllScalings deletes every revision of the name or, when one of them can't be, none. The reply holds no more
// than App Runner's.
func (c *Control) deleteAllScalings(ctx context.Context, caller api.Caller, arn string) (*api.DeleteAutoScalingConfigurationResponse, error) {
	name, err := api.ParseARN(arn, api.ResourceAutoScalingConfiguration)
	if err != nil {
		return nil, err
	}
	if name != unrevised(name) {
		return nil, api.InvalidRequest("With DeleteAllRevisions the ARN must end with the name: %s. Shorten it, or leave DeleteAllRevisions out to delete this revision alone.", unrevised(name))
	}
	if err := c.ensureDefault(ctx, caller); err != nil {
		return nil, err
	}
	err = c.cfg.Store.Update(ctx, func(tx *store.Tx) error {
		if _, err := findScaling(tx, caller, arn); err != nil {
			return err
		}
		list := revisions(caller, autoScalings, &name.Name, new(false))
		list.Limit = -1
		rows, err := store.Resources[api.AutoScalingConfiguration](tx, list)
		for _, row := range rows {
			if _, err := deleteScaling(tx, row.Record); err != nil {
				return err
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteAutoScalingConfigurationResponse{AutoScalingConfiguration: &api.AutoScalingConfiguration{
		AutoScalingConfigurationArn:  &arn,
		AutoScalingConfigurationName: &name.Name,
		Status:                       new(api.AutoScalingConfigurationInactive),
	}}, nil
}

// ListAutoScalingConfigurations lists those that are not deleted, oldest first. Where it lists latest revisions alone,
// the default is there too: Terraform finds it in this list.
func (c *Control) ListAutoScalingConfigurations(ctx context.Context, caller api.Caller, in *api.ListAutoScalingConfigurationsRequest) (*api.ListAutoScalingConfigurationsResponse, error) {
	if err := c.ensureDefault(ctx, caller); err != nil {
		return nil, err
	}
	list := revisions(caller, autoScalings, in.AutoScalingConfigurationName, in.LatestOnly)
	page, err := c.page(caller, in.NextToken, in.MaxResults, "ListAutoScalingConfigurations", list.Name, strconv.FormatBool(list.LatestOnly))
	if err != nil {
		return nil, err
	}
	list.After, list.Limit = page.after, page.fetch()
	out := &api.ListAutoScalingConfigurationsResponse{AutoScalingConfigurationSummaryList: []api.AutoScalingConfigurationSummary{}}
	err = c.cfg.Store.View(ctx, func(tx *store.Tx) (err error) {
		if list.Also, err = tx.DefaultAutoScaling(caller.Account, caller.Region); err != nil {
			return err
		}
		rows, err := store.Resources[api.AutoScalingConfiguration](tx, list)
		if err != nil {
			return err
		}
		rows, out.NextToken = cut(page, rows)
		for _, row := range rows {
			s, err := viewScaling(tx, row.Record)
			if err != nil {
				return err
			}
			out.AutoScalingConfigurationSummaryList = append(out.AutoScalingConfigurationSummaryList, scalingSummary(s))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func scalingSummary(s *api.AutoScalingConfiguration) api.AutoScalingConfigurationSummary {
	return api.AutoScalingConfigurationSummary{
		AutoScalingConfigurationArn:      s.AutoScalingConfigurationArn,
		AutoScalingConfigurationName:     s.AutoScalingConfigurationName,
		AutoScalingConfigurationRevision: s.AutoScalingConfigurationRevision,
		Status:                           s.Status,
		CreatedAt:                        s.CreatedAt,
		HasAssociatedService:             s.HasAssociatedService,
		IsDefault:                        s.IsDefault,
	}
}

// ListServicesForAutoScalingConfiguration lists the ARNs of the services that are bound to the revision, oldest first.
func (c *Control) ListServicesForAutoScalingConfiguration(ctx context.Context, caller api.Caller, in *api.ListServicesForAutoScalingConfigurationRequest) (*api.ListServicesForAutoScalingConfigurationResponse, error) {
	if err := c.ensureDefault(ctx, caller); err != nil {
		return nil, err
	}
	out := &api.ListServicesForAutoScalingConfigurationResponse{ServiceArnList: []string{}}
	err := c.cfg.Store.View(ctx, func(tx *store.Tx) error {
		r, err := find[api.AutoScalingConfiguration](tx, caller, api.ResourceAutoScalingConfiguration, in.AutoScalingConfigurationArn)
		if err != nil {
			return err
		}
		// Sealed with the full ARN: a name may mean another revision by the time that the next page is asked for.
		page, err := c.page(caller, in.NextToken, in.MaxResults, "ListServicesForAutoScalingConfiguration", r.ARN.String())
		if err != nil {
			return err
		}
		rows, err := tx.ServicesUsing(r.ARN.String(), page.after, page.fetch())
		rows, out.NextToken = cut(page, rows)
		for _, row := range rows {
			out.ServiceArnList = append(out.ServiceArnList, row.Record)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// UpdateDefaultAutoScalingConfiguration makes the revision the one that new services get. Services that exist keep theirs.
func (c *Control) UpdateDefaultAutoScalingConfiguration(ctx context.Context, caller api.Caller, in *api.UpdateDefaultAutoScalingConfigurationRequest) (*api.UpdateDefaultAutoScalingConfigurationResponse, error) {
	out, err := c.showScaling(ctx, caller, c.cfg.Store.Update, func(tx *store.Tx) (scaling, error) {
		r, err := findScaling(tx, caller, in.AutoScalingConfigurationArn)
		if err != nil {
			return r, err
		}
		return r, tx.SetDefaultAutoScaling(caller.Account, caller.Region, r.ARN.String())
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateDefaultAutoScalingConfigurationResponse{AutoScalingConfiguration: out}, nil
}
