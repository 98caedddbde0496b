package control

import (
	"context"

	"apron/api"
)

// ListRuntimes lists the managed runtimes and the base of each.
func (c *Control) ListRuntimes(ctx context.Context, caller api.Caller, _ *api.ListRuntimesRequest) (*api.ListRuntimesResponse, error) {
	list, err := c.cfg.Runtimes(ctx, caller.Account)
	if err != nil {
		return nil, err
	}
	return &api.ListRuntimesResponse{RuntimeSummaryList: list}, nil
}

// PullRuntime begins to pull the image of a runtime's base.
func (c *Control) PullRuntime(ctx context.Context, caller api.Caller, in *api.PullRuntimeRequest) (*api.PullRuntimeResponse, error) {
	runtime, err := c.cfg.PullRuntime(ctx, caller.Account, in.RuntimeName)
	if err != nil {
		return nil, err
	}
	return &api.PullRuntimeResponse{Runtime: &runtime}, nil
}
