package control_test

import (
	"fmt"
	"slices"
	"testing"

	"apron/api"
)

func (w *world) tryScaling(t *testing.T, name string) error {
	_, err := w.CreateAutoScalingConfiguration(t.Context(), caller, &api.CreateAutoScalingConfigurationRequest{AutoScalingConfigurationName: name})
	return err
}

func (w *world) tryTracing(t *testing.T, name string) error {
	_, err := w.CreateObservabilityConfiguration(t.Context(), caller, &api.CreateObservabilityConfigurationRequest{ObservabilityConfigurationName: name})
	return err
}

func TestQuotaOfNames_LeavesTheProvidedOneOut(t *testing.T) {
	for kind, create := range map[string]func(*world, *testing.T, string) error{
		"auto-scaling-configurations": (*world).tryScaling, "observability-configurations": (*world).tryTracing,
	} {
		t.Run(kind, func(t *testing.T) {
			w := newWorld(t)
			for i := range 10 {
				if err := create(w, t, fmt.Sprintf("name-%d", i)); err != nil {
					t.Fatal(err)
				}
			}
			wantKind(t, create(w, t, "one-more"), api.KindQuotaExceeded, "--quota "+kind+"=11")
			if err := create(w, t, "name-0"); err != nil {
				t.Errorf("a revision of a name that is there: %v", err)
			}
		})
	}
	t.Run("its revisions", func(t *testing.T) {
		w := newWorld(t)
		for i := range 10 {
			w.scaling(t, fmt.Sprintf("name-%d", i))
		}
		if err := w.tryScaling(t, "DefaultConfiguration"); err != nil {
			t.Error(err)
		}
	})
}

func TestQuotaOfNames_IsPerAccountAndRegion(t *testing.T) {
	w := newWorld(t)
	for i := range 10 {
		w.scaling(t, fmt.Sprintf("name-%d", i))
	}
	for _, c := range []api.Caller{{Account: "210987654321", Region: "us-east-1"}, {Account: "123456789012", Region: "eu-west-1"}} {
		if _, err := w.CreateAutoScalingConfiguration(t.Context(), c, &api.CreateAutoScalingConfigurationRequest{AutoScalingConfigurationName: "name"}); err != nil {
			t.Errorf("%v: %v", c, err)
		}
	}
}

func TestQuotaOfRevisions_CountsWhatIsNotDeleted(t *testing.T) {
	w := newWorld(t)
	for range 5 {
		w.scaling(t, "high")
	}
	wantKind(t, w.tryScaling(t, "high"), api.KindQuotaExceeded, "5 revisions of the auto scaling configuration high already")
	if _, err := w.deleteScaling(t, scalingPrefix+"high/1", false); err != nil {
		t.Fatal(err)
	}
	if made := w.scaling(t, "high"); *made.AutoScalingConfigurationRevision != 6 {
		t.Errorf("made revision %d, want 6", *made.AutoScalingConfigurationRevision)
	}
	for range 10 {
		w.tracing(t, "traces")
	}
	wantKind(t, w.tryTracing(t, "traces"), api.KindQuotaExceeded, "--quota observability-revisions=11")
}

// TestPages_AreStableWhileOthersChangeTheList makes and deletes configurations between the pages: what is there from
// the first page to the last comes once.
func TestPages_AreStableWhileOthersChangeTheList(t *testing.T) {
	w := newWorld(t)
	stay := []string{"DefaultConfiguration/1*"}
	for i := range 4 {
		w.scaling(t, fmt.Sprintf("stay-%d", i))
		w.scaling(t, fmt.Sprintf("gone-%d", i))
		stay = append(stay, fmt.Sprintf("stay-%d/1", i))
	}
	in := &api.ListAutoScalingConfigurationsRequest{MaxResults: new(2), LatestOnly: new(false)}
	var got []string
	for i := 0; ; i++ {
		out, err := w.ListAutoScalingConfigurations(t.Context(), caller, in)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, revisionsOf(out)...)
		if in.NextToken = out.NextToken; in.NextToken == nil {
			break
		}
		if i >= 4 {
			continue
		}
		if _, err := w.deleteScaling(t, scalingPrefix+fmt.Sprintf("gone-%d", 3-i), true); err != nil {
			t.Fatal(err)
		}
		w.scaling(t, fmt.Sprintf("gone-%d", 3-i))
	}
	if unique := slices.Compact(slices.Sorted(slices.Values(got))); len(unique) != len(got) {
		t.Errorf("one came twice: %v", got)
	}
	for _, name := range stay {
		if !slices.Contains(got, name) {
			t.Errorf("%s is missing in %v", name, got)
		}
	}
}

func TestPages_AreOfOneListAlone(t *testing.T) {
	w := newWorld(t)
	w.scaling(t, "high")
	w.tracing(t, "traces")
	first, err := w.ListAutoScalingConfigurations(t.Context(), caller, &api.ListAutoScalingConfigurationsRequest{MaxResults: new(1)})
	if err != nil || first.NextToken == nil {
		t.Fatalf("first page %+v, %v", first, err)
	}
	for name, in := range map[string]*api.ListAutoScalingConfigurationsRequest{
		"all revisions": {NextToken: first.NextToken, LatestOnly: new(false)},
		"of a name":     {NextToken: first.NextToken, AutoScalingConfigurationName: new("high")},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.ListAutoScalingConfigurations(t.Context(), caller, in)
			wantKind(t, err, api.KindInvalidRequest, "NextToken")
		})
	}
	_, err = w.ListObservabilityConfigurations(t.Context(), caller, &api.ListObservabilityConfigurationsRequest{NextToken: first.NextToken})
	wantKind(t, err, api.KindInvalidRequest, "NextToken")
	_, err = w.ListAutoScalingConfigurations(t.Context(), caller, &api.ListAutoScalingConfigurationsRequest{NextToken: first.NextToken, LatestOnly: new(true)})
	if err != nil {
		t.Errorf("LatestOnly that is said and LatestOnly that is not are one list: %v", err)
	}
}
