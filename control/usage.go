package control

import (
	"context"

	"apron/api"
	"apron/store"
)

// DescribeServiceUsage tells what the service's instances use just now and how many requests it has.
func (c *Control) DescribeServiceUsage(ctx context.Context, caller api.Caller, in *api.DescribeServiceUsageRequest) (*api.DescribeServiceUsageResponse, error) {
	var svc api.Service
	err := c.cfg.Store.Read(ctx, func(tx *store.Tx) (err error) {
		svc, err = allow(tx, caller, "DescribeServiceUsage", in.ServiceArn)
		return err
	})
	if err != nil {
		return nil, err
	}
	usage, err := c.cfg.Usage(ctx, svc)
	if err != nil {
		return nil, err
	}
	return &api.DescribeServiceUsageResponse{Usage: &usage}, nil
}
