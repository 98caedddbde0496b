package fleet_test

import (
	"strings"
	"testing"
	"time"

	"apron/driver"
	"apron/driver/drivertest"
)

func TestKeep_ReplacesAnEndedInstanceAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.serve(web("r1", 1))
		old := r.ids()[0]
		r.lines()
		r.fake.Kill(old, driver.Exit{Code: 137, Signal: 9, OOM: true})
		pass(100 * time.Millisecond)
		r.want("journal", r.lines(), []string{"publish", "publish " + r.ids()[0]})
		r.want("instances", r.fake.IDs(), r.ids())
		r.want("events", len(r.told()), 1)
		if event := r.told()[0]; !strings.Contains(event, "Container exit code: 137") ||
			!strings.Contains(event, "128 MiB") || !strings.Contains(event, old) {
			t.Errorf("event %q", event)
		}
	})
}

func TestKeep_ReplacesAnUnhealthyInstanceAfterTheThreshold(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		rev := checked("r1", 1)
		rev.Health.Interval, rev.Health.UnhealthyThreshold = 10*time.Second, 3
		r.serve(rev)
		old := r.ids()[0]
		r.lines()
		r.fake.SetFault(func(driver.Spec) drivertest.Fault {
			return drivertest.Fault{Env: []string{"START_DELAY_MS=1000"}}
		})
		r.get(old, "/health?set=fail")
		pass(29 * time.Second)
		r.want("journal before the third failure", r.lines(), []string(nil))
		pass(1100 * time.Millisecond)
		r.want("journal after it", r.lines(), []string{"publish"})
		r.want("the old one stays until the new one serves", len(r.fake.IDs()), 2)
		pass(time.Second)
		r.want("journal after the start", r.lines(), []string{"publish " + r.ids()[0], "drain " + old})
		r.want("instances", r.fake.IDs(), r.ids())
		if event := strings.Join(r.told(), "\n"); !strings.Contains(event, "answered 503") {
			t.Errorf("events %q do not name the last answer", event)
		}
	})
}

func TestKeep_FewerFailuresThanTheThresholdAreForgotten(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.serve(checked("r1", 1)) // every 5 s, 5 failures
		old := r.ids()
		for range 3 {
			r.get(old[0], "/health?set=fail")
			pass(19 * time.Second)
			r.get(old[0], "/health?set=ok")
			pass(6 * time.Second)
		}
		r.want("published", r.ids(), old)
		r.want("events", r.told(), []string(nil))
	})
}

func TestKeep_BacksOffFromACrashLoopAndComesBack(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.serve(web("r1", 1))
		r.fake.SetFault(func(driver.Spec) drivertest.Fault {
			return drivertest.Fault{Env: []string{"EXIT_AFTER_MS=100"}}
		})
		r.fake.Kill(r.ids()[0], driver.Exit{Code: 1})
		pass(10 * time.Minute)
		// 1, 2, 4, 8, 16, 32 and then 60 s, each less up to a fifth: 15 to 18 after the first.
		if n := len(r.told()); n < 13 || n > 20 {
			t.Errorf("%d replacements in 10 minutes", n)
		}
		r.fake.SetFault(nil)
		pass(2 * time.Minute)
		r.want("published", len(r.ids()), 1)
		before := len(r.told())
		r.fake.Kill(r.ids()[0], driver.Exit{Code: 1})
		pass(50 * time.Millisecond) // it was healthy for a minute: no delay any more
		r.want("published", len(r.ids()), 1)
		r.want("events", len(r.told()), before+1)
	})
}

func TestKeep_ScalesOutAndInWithDrain(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.serve(web("r1", 1))
		first := r.ids()[0]
		r.Scale("web", 3)
		pass(time.Second)
		r.want("published", len(r.ids()), 3)
		r.want("oldest", r.ids()[0], first)
		r.lines()
		r.Scale("web", 1)
		pass(time.Second)
		r.want("published", r.ids(), []string{first})
		r.want("instances", r.fake.IDs(), []string{first})
		r.want("drains", strings.Count(strings.Join(r.lines(), "\n"), "drain"), 2)
		r.want("events", r.told(), []string(nil))
	})
}
