package control_test

import (
	"context"
	"testing"

	"apron/api"
	"apron/control"
)

func TestRuntimes_AreThoseOfTheCallersAccount(t *testing.T) {
	var asked []string
	c := control.New(control.Config{
		Runtimes: func(_ context.Context, account string) ([]api.RuntimeSummary, error) {
			asked = append(asked, account)
			return []api.RuntimeSummary{{RuntimeName: "python311"}}, nil
		},
		PullRuntime: func(_ context.Context, account, name string) (api.RuntimeSummary, error) {
			asked = append(asked, account+" "+name)
			return api.RuntimeSummary{RuntimeName: name, BaseStatus: api.BasePulling}, nil
		},
	})
	list, err := c.ListRuntimes(t.Context(), caller, &api.ListRuntimesRequest{})
	if err != nil || len(list.RuntimeSummaryList) != 1 {
		t.Errorf("%+v, %v", list, err)
	}
	pull, err := c.PullRuntime(t.Context(), caller, &api.PullRuntimeRequest{RuntimeName: "python311"})
	if err != nil || pull.Runtime.BaseStatus != api.BasePulling {
		t.Errorf("%+v, %v", pull, err)
	}
	if want := caller.Account; len(asked) != 2 || asked[0] != want || asked[1] != want+" python311" {
		t.Errorf("asked %q", asked)
	}
}
