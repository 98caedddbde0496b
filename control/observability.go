package control

import (
	"context"
	"errors"
	"strconv"
	"time"

	"apron/api"
	"apron/store"
)

// tracing is an observability configuration as it is stored: without Latest, which changes with others.
type tracing = store.Resource[api.ObservabilityConfiguration]

// providedObservability is the configuration that AWS gives to every account and region: tracing with X-Ray. Copilot
// names it by its ARN.
func providedObservability(caller api.Caller) tracing {
	return newTracing(providedARN(caller, api.ResourceObservabilityConfiguration), &api.TraceConfiguration{Vendor: api.TracingVendorAWSXRay})
}

// newTracing is a revision that begins now.
func newTracing(arn api.ARN, trace *api.TraceConfiguration) tracing {
	return tracing{ARN: arn, Record: api.ObservabilityConfiguration{
		ObservabilityConfigurationArn:      new(arn.String()),
		ObservabilityConfigurationName:     &arn.Name,
		ObservabilityConfigurationRevision: &arn.Revision,
		TraceConfiguration:                 trace,
		Status:                             new(api.ObservabilityConfigurationActive),
		CreatedAt:                          new(api.At(time.Now())),
	}}
}

// CreateObservabilityConfiguration makes the next revision of the name, which is the first one for a new name.
func (c *Control) CreateObservabilityConfiguration(ctx context.Context, caller api.Caller, in *api.CreateObservabilityConfigurationRequest) (*api.CreateObservabilityConfigurationResponse, error) {
	if in.ObservabilityConfigurationName == providedName {
		return nil, api.InvalidRequest("The observability configuration name %s is reserved for the configuration that every account has. Choose another name.", providedName)
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	out, err := c.showTracing(ctx, caller, c.cfg.Store.Update, func(tx *store.Tx) (tracing, error) {
		arn, err := c.nextRevision(tx, caller, observabilities, in.ObservabilityConfigurationName)
		if err != nil {
			return tracing{}, err
		}
		r := newTracing(arn, in.TraceConfiguration)
		return r, errors.Join(store.PutResource(tx, r), putTags(tx, arn.String(), in.Tags))
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateObservabilityConfigurationResponse{ObservabilityConfiguration: out}, nil
}

// DescribeObservabilityConfiguration tells all of a revision, also of one deleted within the last hour.
func (c *Control) DescribeObservabilityConfiguration(ctx context.Context, caller api.Caller, in *api.DescribeObservabilityConfigurationRequest) (*api.DescribeObservabilityConfigurationResponse, error) {
	out, err := c.showTracing(ctx, caller, c.cfg.Store.View, func(tx *store.Tx) (tracing, error) {
		return find[api.ObservabilityConfiguration](tx, caller, api.ResourceObservabilityConfiguration, in.ObservabilityConfigurationArn)
	})
	if err != nil {
		return nil, err
	}
	return &api.DescribeObservabilityConfigurationResponse{ObservabilityConfiguration: out}, nil
}

// DeleteObservabilityConfiguration deletes one revision, unless a service uses it or AWS provides it.
func (c *Control) DeleteObservabilityConfiguration(ctx context.Context, caller api.Caller, in *api.DeleteObservabilityConfigurationRequest) (*api.DeleteObservabilityConfigurationResponse, error) {
	out, err := c.showTracing(ctx, caller, c.cfg.Store.Update, func(tx *store.Tx) (tracing, error) {
		r, err := findLive[api.ObservabilityConfiguration](tx, caller, api.ResourceObservabilityConfiguration, in.ObservabilityConfigurationArn)
		if err != nil {
			return r, err
		}
		return deleteTracing(tx, r)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteObservabilityConfigurationResponse{ObservabilityConfiguration: out}, nil
}

func deleteTracing(tx *store.Tx, r tracing) (tracing, error) {
	used, err := tx.InUse(r.ARN.String())
	switch {
	case err != nil:
		return r, err
	case r.ARN.Name == providedName:
		return r, api.InvalidRequest("You can't delete the observability configuration %s. Every account has it. Services that are to go without tracing need no configuration.", providedName)
	case used:
		return r, api.InvalidRequest("You can't delete the observability configuration. It's used by one or more services. To delete it, update the services to use other observability configurations.")
	}
	r.Deleted = new(api.At(time.Now()))
	r.Record.DeletedAt, r.Record.Status = r.Deleted, new(api.ObservabilityConfigurationInactive)
	return r, store.PutResource(tx, r)
}

// showTracing finds or makes a configuration in a transaction that run, the store's View or Update, begins, and returns
// it as clients see it. The account has the provided one by then.
func (c *Control) showTracing(ctx context.Context, caller api.Caller, run func(context.Context, func(*store.Tx) error) error,
	get func(*store.Tx) (tracing, error)) (*api.ObservabilityConfiguration, error) {
	if err := c.ensureDefault(ctx, caller); err != nil {
		return nil, err
	}
	var r tracing
	err := run(ctx, func(tx *store.Tx) (err error) {
		if r, err = get(tx); err != nil {
			return err
		}
		newest, err := latest(tx, r)
		r.Record.Latest = &newest
		return err
	})
	return &r.Record, err
}

// ListObservabilityConfigurations lists those that are not deleted, oldest first.
func (c *Control) ListObservabilityConfigurations(ctx context.Context, caller api.Caller, in *api.ListObservabilityConfigurationsRequest) (*api.ListObservabilityConfigurationsResponse, error) {
	if err := c.ensureDefault(ctx, caller); err != nil {
		return nil, err
	}
	list := revisions(caller, observabilities, in.ObservabilityConfigurationName, in.LatestOnly)
	page, err := c.page(caller, in.NextToken, in.MaxResults, "ListObservabilityConfigurations", list.Name, strconv.FormatBool(list.LatestOnly))
	if err != nil {
		return nil, err
	}
	list.After, list.Limit = page.after, page.fetch()
	var rows []store.Row[tracing]
	err = c.cfg.Store.View(ctx, func(tx *store.Tx) (err error) {
		rows, err = store.Resources[api.ObservabilityConfiguration](tx, list)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &api.ListObservabilityConfigurationsResponse{ObservabilityConfigurationSummaryList: []api.ObservabilityConfigurationSummary{}}
	rows, out.NextToken = cut(page, rows)
	for _, row := range rows {
		r := row.Record.Record
		out.ObservabilityConfigurationSummaryList = append(out.ObservabilityConfigurationSummaryList, api.ObservabilityConfigurationSummary{
			ObservabilityConfigurationArn:      r.ObservabilityConfigurationArn,
			ObservabilityConfigurationName:     r.ObservabilityConfigurationName,
			ObservabilityConfigurationRevision: r.ObservabilityConfigurationRevision,
		})
	}
	return out, nil
}
