package fleet_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"apron/driver"
	"apron/driver/drivertest"
	"apron/fleet"
)

func TestDeploy_PublishesOnlyWhenServed(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.recover(nil)
		if err := r.Deploy(t.Context(), web("r1", 3)); err != nil {
			t.Fatal(err)
		}
		r.want("journal before Serve", r.lines(), []string(nil))
		if err := r.Serve("web", "r1"); err != nil {
			t.Fatal(err)
		}
		ids := r.ids()
		slices.Sort(ids)
		r.want("published", ids, r.fake.IDs())
		r.want("instances", len(ids), 3)
	})
}

func TestDeploy_TakesWhatTheApplicationTakesAndNoInterval(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		rev := checked("r1", 1, "START_DELAY_MS=50")
		rev.Health.HealthyThreshold = 3
		start := time.Now()
		r.serve(rev)
		if took := time.Since(start); took < 50*time.Millisecond || took > 250*time.Millisecond {
			t.Errorf("deploy took %v for an application that takes 50ms", took)
		}
		begun, health, ok := r.Took("web", "r1")
		if !ok || begun < 0 || health < 50*time.Millisecond || health > 250*time.Millisecond {
			t.Errorf("its start took %v and its health %v, %t, for an application that takes 50ms", begun, health, ok)
		}
		if _, _, ok := r.Took("web", "r0"); ok {
			t.Error("a revision that never was took its time")
		}
	})
}

func TestDeploy_RedirectIsHealthy(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		rev := checked("r1", 1)
		rev.Health.Path = "/redirect"
		r.serve(rev)
	})
}

func TestDeploy_FailureNamesItsReasonAndLeavesNothing(t *testing.T) {
	path := checked("r1", 2)
	path.Health.Path = "/nowhere"
	command := web("r1", 2)
	command.Command = []string{"/no/such/program"}
	quick, allowance := time.Second, 5*time.Minute
	for name, c := range map[string]struct {
		rev    fleet.Revision
		reason string
		log    bool
		from   time.Duration
	}{
		"exit":          {web("r1", 2, "EXIT_AT_START=3"), "Container exit code: 3", true, 0},
		"never listens": {web("r1", 2, "NEVER_LISTEN=1"), "on protocol `TCP` [Port: '8080']. Check", true, allowance},
		"unhealthy":     {checked("r1", 2, "UNHEALTHY=1"), "GET /health answered 503", true, allowance},
		"wrong path":    {path, "`HTTP`[Path: '/nowhere'], [Port: '8080']", true, allowance},
		"image":         {command, "/no/such/program", false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *rig) {
				r.recover(nil)
				start := time.Now()
				err := r.Deploy(t.Context(), c.rev)
				why, ok := errors.AsType[*fleet.StartError](err)
				if !ok || !strings.Contains(why.Reason, c.reason) {
					t.Fatalf("Deploy = %v, want a *StartError about %q", err, c.reason)
				}
				r.want("has log lines", strings.Contains(strings.Join(why.Log, "\n"), "started"), c.log)
				r.want("instances left", r.fake.IDs(), []string(nil))
				if took := time.Since(start); took < c.from || took > c.from+quick {
					t.Errorf("took %v, want about %v", took, c.from)
				}
			})
		})
	}
}

func TestDeploy_FaultOfTheMachineIsNoStartError(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		full := errors.New("disk full")
		r.fake.SetFault(func(driver.Spec) drivertest.Fault { return drivertest.Fault{StartErr: full} })
		r.recover(nil)
		err := r.Deploy(t.Context(), web("r1", 1))
		if _, ok := errors.AsType[*fleet.StartError](err); ok || !errors.Is(err, full) {
			t.Errorf("Deploy = %v, want the driver's error and no *StartError", err)
		}
	})
}

func TestDeploy_FailureLeavesTheServedRevisionAlone(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.serve(web("r1", 2))
		old := r.ids()
		r.lines()
		if err := r.Deploy(t.Context(), web("r2", 2, "EXIT_AT_START=1")); err == nil {
			t.Fatal("Deploy succeeded")
		}
		pass(time.Minute)
		r.want("journal", r.lines(), []string(nil))
		r.want("published", r.ids(), old)
		r.want("instances", len(r.fake.IDs()), 2)
	})
}

func TestDeploy_CancelledLeavesWhatTheRepeatCounts(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.recover(nil)
		goingDown := errors.New("going down")
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() {
			time.Sleep(10 * time.Second)
			cancel(goingDown)
		}()
		rev := web("r1", 2, "START_DELAY_MS=60000")
		if err := r.Deploy(ctx, rev); !errors.Is(err, goingDown) {
			t.Fatalf("Deploy = %v, want the cause", err)
		}
		made := r.fake.IDs()
		r.want("instances made", len(made), 2)

		r = r.restart()
		r.recover(nil, "web")
		pass(time.Minute)
		r.want("published before the repeat", r.ids(), []string(nil))
		r.deploy(rev)
		ids := r.ids()
		slices.Sort(ids)
		r.want("published", ids, made)
	})
}

func TestServe_SwitchesAndRetireDrainsTheOld(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.serve(web("r1", 1))
		old := r.ids()[0]
		r.drain = func(context.Context, string) error { time.Sleep(3 * time.Second); return nil }
		r.lines()
		r.deploy(web("r2", 1))
		start := time.Now()
		if err := r.Retire(t.Context(), "web", "r2"); err != nil {
			t.Fatal(err)
		}
		r.want("journal", r.lines(), []string{"publish " + r.ids()[0], "drain " + old})
		r.want("instances", r.fake.IDs(), r.ids())
		r.want("Retire took", time.Since(start), 3*time.Second)
	})
}

func TestServe_OfAnUnknownRevisionIsAnError(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.serve(web("r1", 1))
		if r.Serve("web", "r2") == nil || r.Serve("other", "r1") == nil {
			t.Error("Serve succeeded")
		}
		r.want("published", len(r.ids()), 1)
	})
}

func TestDeploy_OfTheServedRevisionAddsAndFailsWithoutHarm(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.serve(web("r1", 1))
		r.deploy(web("r1", 2))
		serving := r.ids()
		r.want("published", len(serving), 2)
		r.fake.SetFault(func(driver.Spec) drivertest.Fault {
			return drivertest.Fault{Env: []string{"EXIT_AT_START=4"}}
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := r.Deploy(ctx, web("r1", 3))
		if _, ok := errors.AsType[*fleet.StartError](err); !ok {
			t.Errorf("Deploy = %v, want a *StartError", err)
		}
		pass(time.Hour)
		r.want("instances", len(r.fake.IDs()), 2)
		r.want("published", r.ids(), serving)
		r.want("events of replacements", r.told(), []string(nil))
	})
}

func TestDeploy_FailsWhenAnInstanceDiesBeforeAllAreHealthy(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.recover(nil)
		slow := false // the second of the two
		r.fake.SetFault(func(driver.Spec) drivertest.Fault {
			if slow {
				return drivertest.Fault{Env: []string{"START_DELAY_MS=20000"}}
			}
			slow = true
			return drivertest.Fault{Env: []string{"EXIT_AFTER_MS=10000"}}
		})
		err := r.Deploy(t.Context(), web("r1", 2))
		if _, ok := errors.AsType[*fleet.StartError](err); !ok {
			t.Errorf("Deploy = %v, want a *StartError", err)
		}
		r.want("instances left", r.fake.IDs(), []string(nil))
	})
}
