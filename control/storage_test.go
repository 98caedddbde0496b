package control_test

import (
	"context"
	"slices"
	"testing"

	"apron/api"
	"apron/control"
)

func TestStorage_IsAskedForByTheCallersAccount(t *testing.T) {
	var asked []string
	c := control.New(control.Config{
		Storage: func(_ context.Context, account string) (api.Storage, error) {
			asked = append(asked, account)
			return api.Storage{UsedPercent: 42}, nil
		},
		CollectGarbage: func(_ context.Context, account string, dry bool) (api.Garbage, error) {
			asked = append(asked, account, map[bool]string{true: "dry", false: "wet"}[dry])
			return api.Garbage{FreedBytes: 5}, nil
		},
	})
	storage, err := c.DescribeStorage(t.Context(), caller, &api.DescribeStorageRequest{})
	if err != nil || storage.Storage.UsedPercent != 42 {
		t.Errorf("%+v, %v", storage, err)
	}
	for _, dry := range []*bool{nil, new(false), new(true)} {
		garbage, err := c.CollectGarbage(t.Context(), caller, &api.CollectGarbageRequest{DryRun: dry})
		if err != nil || garbage.Garbage.FreedBytes != 5 {
			t.Errorf("%+v, %v", garbage, err)
		}
	}
	a := caller.Account
	if want := []string{a, a, "wet", a, "wet", a, "dry"}; !slices.Equal(asked, want) {
		t.Errorf("asked %q, want %q", asked, want)
	}
}
