package fleet_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"apron/driver"
	"apron/fleet"
)

func TestRecover_RunningInstancesGoOnServing(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.serve(web("r1", 2))
		before, calls := r.ids(), r.starts()
		r = r.restart()
		r.recover([]fleet.Revision{web("r1", 2)})
		r.want("journal", len(r.lines()), 1) // both at once
		ids := r.ids()
		slices.Sort(before)
		slices.Sort(ids)
		r.want("published", ids, before)
		pass(time.Hour)
		r.want("starts", r.starts(), calls)
	})
}

func TestRecover_StartsWhatIsMissingInTheBackground(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.serve(web("r1", 3))
		dead := r.ids()[1]
		r.end()
		r.fake.Kill(dead, driver.Exit{Code: 9})
		r = newRig(t, r.fake.Restart())
		r.recover([]fleet.Revision{web("r1", 4)})
		if n := len(r.ids()); n < 2 {
			t.Errorf("%d published when Recover returned, want the two that run", n)
		}
		pass(time.Second)
		r.want("published", len(r.ids()), 4)
		r.want("the dead one serves", slices.Contains(r.fake.IDs(), dead), false)
		if events := strings.Join(r.told(), "\n"); !strings.Contains(events, "Container exit code: 9") {
			t.Errorf("events %q", events)
		}
	})
}

func TestRecover_DestroysStraysAndPartialOnesButNotWhatIsBusy(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.serve(web("r1", 1))
		other := web("r2", 1)
		if err := r.Deploy(t.Context(), other); err != nil {
			t.Fatal(err)
		}
		for _, service := range []string{"stray", "busy"} {
			rev := web("r1", 1)
			rev.Service = service
			if err := r.Deploy(t.Context(), rev); err != nil {
				t.Fatal(err)
			}
		}
		keep := []string{r.ids()[0], r.Instances("busy")[0].ID}
		r.end()
		r.fake.MakePartial(driver.Spec{ID: "half", Service: "web", Revision: "r1"})
		r.fake.MakePartial(driver.Spec{ID: "half-busy", Service: "busy", Revision: "r1"})
		r = newRig(t, r.fake.Restart())
		r.recover([]fleet.Revision{web("r1", 1)}, "busy")
		slices.Sort(keep)
		r.want("instances", r.fake.IDs(), keep)
		pass(time.Hour)
		r.want("instances later", r.fake.IDs(), keep)
		if err := r.Stop(t.Context(), "busy"); err != nil {
			t.Fatal(err)
		}
		r.want("instances without busy", r.fake.IDs(), r.ids())
	})
}

func TestRecover_DestroysBuildsWhateverTheyAreFor(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.serve(web("r1", 1))
		keep := r.ids()
		for id, service := range map[string]string{"build-serving": "web", "build-busy": "busy"} {
			spec := driver.Spec{ID: id, Service: service, Revision: "r1", Build: &driver.Build{}, LogPath: filepath.Join(t.TempDir(), "log")}
			if err := r.fake.Start(t.Context(), spec); err != nil {
				t.Fatal(err)
			}
		}
		r.end()
		r.fake.MakePartial(driver.Spec{ID: "build-half", Service: "busy", Build: &driver.Build{}})
		r = newRig(t, r.fake.Restart())
		r.recover([]fleet.Revision{web("r1", 1)}, "busy")
		r.want("instances", r.fake.IDs(), keep)
		r.want("published", r.ids(), keep)
	})
}

func TestRecover_ABusyServiceKeepsServingWhatIsDesired(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.serve(web("r1", 1))
		old := r.ids()
		if err := r.Deploy(t.Context(), web("r2", 1)); err != nil {
			t.Fatal(err)
		}
		all := r.fake.IDs()
		r = r.restart()
		r.recover([]fleet.Revision{web("r1", 1)}, "web")
		r.want("published", r.ids(), old)
		r.want("instances", r.fake.IDs(), all)
		r.deploy(web("r2", 1))
		if err := r.Retire(t.Context(), "web", "r2"); err != nil {
			t.Fatal(err)
		}
		r.want("instances", r.fake.IDs(), r.ids())
		r.want("the new one was adopted, not made again", slices.Contains(all, r.ids()[0]), true)
	})
}

func TestRecover_StrayThatResistsIsTriedAgain(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.serve(web("r1", 1))
		r.end()
		r.fake.SetDestroyError(func(string) error { return errors.New("mount is busy") })
		r = newRig(t, r.fake.Restart())
		r.recover(nil)
		r.want("instances", len(r.fake.IDs()), 1)
		r.fake.SetDestroyError(nil)
		pass(time.Minute)
		r.want("instances later", r.fake.IDs(), []string(nil))
	})
}

func TestRecover_AnInstanceThatHangsIsReplacedAfterTheThreshold(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.serve(checked("r1", 1))
		old := r.ids()[0]
		pass(time.Hour)
		r.get(old, "/health?set=fail")
		r = r.restart()
		r.recover([]fleet.Revision{checked("r1", 1)})
		r.want("published", r.ids(), []string(nil))
		pass(24 * time.Second)
		r.want("instances", r.fake.IDs(), []string{old})
		pass(2 * time.Second)
		r.want("published", len(r.ids()), 1)
		r.want("instances", r.fake.IDs(), r.ids())
	})
}

// TestRecover_LeavesWhatAnotherProcessUses finds an instance on which the process before this one has a request: as a stray, and as
// one that an operation is about to retire. It goes when the request has ended, and not before.
func TestRecover_LeavesWhatAnotherProcessUses(t *testing.T) {
	for name, take := range map[string]func(*testing.T, *rig){
		"stray": func(_ *testing.T, r *rig) { r.recover(nil) },
		"retired": func(t *testing.T, r *rig) {
			r.recover(nil, "web")
			go r.Retire(t.Context(), "web", "")
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *rig) {
				r.serve(web("r1", 1))
				old := r.ids()
				r = r.restart()
				inUse := make(chan struct{})
				r.drain = func(context.Context, string) error { <-inUse; return nil }
				take(t, r)
				pass(10 * time.Second)
				r.want("instances while one is in use", r.fake.IDs(), old)
				close(inUse)
				pass(time.Second)
				r.want("instances after that", len(r.fake.IDs()), 0)
			})
		})
	}
}
