package control

import (
	"context"

	"apron/api"
)

// DescribeStorage tells what takes the space on the server's disk.
func (c *Control) DescribeStorage(ctx context.Context, caller api.Caller, _ *api.DescribeStorageRequest) (*api.DescribeStorageResponse, error) {
	storage, err := c.cfg.Storage(ctx, caller.Account)
	if err != nil {
		return nil, err
	}
	return &api.DescribeStorageResponse{Storage: &storage}, nil
}

// CollectGarbage removes from the server's disk what can be made again and is old, or too much.
func (c *Control) CollectGarbage(ctx context.Context, caller api.Caller, in *api.CollectGarbageRequest) (*api.CollectGarbageResponse, error) {
	garbage, err := c.cfg.CollectGarbage(ctx, caller.Account, in.DryRun != nil && *in.DryRun)
	if err != nil {
		return nil, err
	}
	return &api.CollectGarbageResponse{Garbage: &garbage}, nil
}
