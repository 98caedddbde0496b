package fleet_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"apron/driver"
	"apron/driver/drivertest"
	"apron/fleet"
)

func TestScale_ToZeroAndBack(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.serve(web("r1", 1))
		old := r.ids()[0]
		r.lines()
		r.Scale("web", 0)
		pass(time.Second)
		r.want("journal", r.lines(), []string{"idle true", "publish", "drain " + old})
		r.want("instances", len(r.fake.IDs()), 0)
		r.want("asleep", r.Asleep("web"), true)
		pass(time.Hour)
		r.want("instances after an hour", len(r.fake.IDs()), 0)

		r.fake.SetFault(slow)
		r.Scale("web", 1)
		r.Scale("web", 1)
		pass(10 * time.Second)
		r.want("journal while it starts", r.lines(), []string(nil))
		ready, starting := r.Counts("web")
		r.want("ready", ready, 0)
		r.want("starting", starting, 1)
		r.want("asleep", r.Asleep("web"), false)
		pass(11 * time.Second)
		r.want("journal", r.lines(), []string{"idle false", "publish " + r.ids()[0]})
	})
}

// slow are instances that take 20 s to listen.
func slow(driver.Spec) drivertest.Fault {
	return drivertest.Fault{Env: []string{"START_DELAY_MS=20000"}}
}

func TestScale_OutAndInTakesTheYoungestIdle(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.serve(web("r1", 1))
		for n := 2; n <= 4; n++ { // one after the other, so that their ages are known
			r.Scale("web", n)
			pass(time.Second)
		}
		ids := r.ids()
		r.want("published", len(ids), 4)
		r.setUse(map[string]int{ids[0]: 3, ids[3]: 1})
		r.lines()
		r.Scale("web", 2)
		pass(time.Second)
		r.want("those that stay", r.ids(), []string{ids[0], ids[3]})
		r.Scale("web", 1)
		pass(time.Second)
		r.want("of the busy ones the elder stays", r.ids(), ids[:1])
		ready, starting := r.Counts("web")
		r.want("ready", ready, 1)
		r.want("starting", starting, 0)
	})
}

func TestScale_InTakesWhatHasNotStartedFirst(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.serve(web("r1", 1))
		ids := r.ids()
		r.fake.SetFault(slow)
		r.Scale("web", 3)
		pass(time.Second)
		r.lines()
		r.Scale("web", 1)
		pass(time.Second)
		r.want("published", r.ids(), ids)
		r.want("journal", r.lines(), []string(nil))
		r.want("instances", r.fake.IDs(), ids)
	})
}

func TestDeploy_LosesNothingOfWhatIsScaledOut(t *testing.T) {
	for _, c := range []struct{ serving, minSize, maxSize, want int }{
		{3, 1, 0, 3}, {3, 1, 25, 3}, {3, 1, 2, 2}, {3, 5, 25, 5}, {1, 0, 25, 1}, {0, 1, 25, 1}, {0, 0, 0, 1},
	} {
		bubble(t, func(t *testing.T, r *rig) {
			r.serve(web("r1", 1))
			r.Scale("web", c.serving)
			pass(time.Second)
			next := web("r2", c.minSize)
			next.MaxSize = c.maxSize
			r.deploy(next)
			if n := len(r.ids()); n != c.want {
				t.Errorf("%+v: %d serve after the deployment", c, n)
			}
			if err := r.Retire(t.Context(), "web", "r2"); err != nil {
				t.Error(err)
			}
			pass(time.Hour)
			r.want("instances an hour later", len(r.fake.IDs()), c.want)
			r.want("asleep", r.Asleep("web"), false)
		})
	}
}

func TestDeploy_FollowsAScaleOutWhileItIsUnderWay(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.serve(web("r1", 1))
		r.fake.SetFault(func(s driver.Spec) drivertest.Fault {
			if s.Revision == "r2" {
				return slow(s)
			}
			return drivertest.Fault{}
		})
		time.AfterFunc(10*time.Second, func() { r.Scale("web", 3) })
		r.deploy(web("r2", 1))
		r.want("published", len(r.ids()), 3)
	})
}

func TestWake_ThatFailsTellsWhyAndBacksOff(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.serve(web("r1", 1))
		r.Scale("web", 0)
		pass(time.Second)
		r.fake.SetFault(func(driver.Spec) drivertest.Fault {
			return drivertest.Fault{Env: []string{"EXIT_AFTER_MS=100", "NEVER_LISTEN=1"}}
		})
		r.lines()
		r.Scale("web", 1)
		pass(500 * time.Millisecond) // the first one and its first successor, which comes at once
		lines := r.lines()
		if len(lines) != 3 || !strings.Contains(lines[0], "Container exit code: 1") || lines[1] != "refuse" || lines[2] != lines[0] {
			t.Errorf("journal %q, want a refusal with the reason, another try, and a refusal", lines)
		}
		if events := r.told(); len(events) != 2 || !strings.Contains(events[0], "Container exit code: 1") {
			t.Errorf("events %q", events)
		}
		before := r.starts()
		pass(10 * time.Minute)
		if tries := (r.starts() - before) / 3; tries < 10 || tries > 20 { // start, stop, destroy
			t.Errorf("%d tries in 10 minutes", tries)
		}
		r.Scale("web", 0)
		pass(time.Second)
		if lines := r.lines(); lines[len(lines)-1] != "refuse" {
			t.Errorf("at rest, the last line is %q, want no refusal any more", lines[len(lines)-1])
		}
		r.want("instances", len(r.fake.IDs()), 0)
		r.fake.SetFault(nil)
		r.Scale("web", 1)
		pass(100 * time.Millisecond)
		r.want("journal", r.lines(), []string{"idle false", "publish " + r.ids()[0]})
	})
}

func TestWake_OfAnImageThatIsGoneTellsSo(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.serve(web("r1", 1))
		r.Scale("web", 0)
		pass(time.Second)
		r.fake.SetFault(func(driver.Spec) drivertest.Fault {
			return drivertest.Fault{StartErr: &driver.ImageError{Reason: "image sha256:any is not on this machine"}}
		})
		r.lines()
		r.Scale("web", 1)
		pass(10 * time.Millisecond)
		if lines := r.lines(); len(lines) == 0 || !strings.Contains(lines[0], "refuse The image cannot be run: image sha256:any is not on this machine") {
			t.Errorf("journal %q", lines)
		}
	})
}

func TestRecover_LeavesWhatSleepsAlone(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		rev := web("r1", 1)
		rev.Zero = true
		r.serve(rev)
		r.Scale("web", 0)
		pass(time.Second)
		r = r.restart()
		r.recover([]fleet.Revision{rev})
		r.want("journal", r.lines(), []string{"idle true"})
		if err := r.Serve("web", "r1"); err != nil { // as operations reopen a service
			t.Error(err)
		}
		pass(time.Hour)
		r.want("instances", len(r.fake.IDs()), 0)
		r.want("journal an hour later", r.lines(), []string(nil))
		r.Scale("web", 1)
		pass(time.Second)
		r.want("journal", r.lines(), []string{"idle false", "publish " + r.ids()[0]})
	})
}

// What ended while the server was away is gone for good: whether a request comes decides.
func TestRecover_OfAServiceThatMayHaveNoneStartsNone(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		rev := web("r1", 1)
		rev.Zero = true
		r.serve(rev)
		id := r.ids()[0]
		r.end()
		r.fake.Kill(id, driver.Exit{Code: 1})
		r = newRig(t, r.fake.Restart())
		r.recover([]fleet.Revision{rev})
		pass(time.Hour)
		r.want("journal", r.lines(), []string{"idle true", "drain " + id}) // the server before may have requests in flight there
		r.want("instances", len(r.fake.IDs()), 0)
	})
}

func TestRecover_KeepsWhatIsScaledOut(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.serve(web("r1", 1))
		r.Scale("web", 3)
		pass(time.Second)
		before := slices.Sorted(slices.Values(r.ids()))
		r = r.restart()
		r.recover([]fleet.Revision{web("r1", 1)})
		pass(time.Hour)
		r.want("published", slices.Sorted(slices.Values(r.ids())), before)
		ready, starting := r.Counts("web")
		r.want("ready", ready, 3)
		r.want("starting", starting, 0)
	})
}

func TestRetire_OfWhatSleepsForgetsThatItDid(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.serve(web("r1", 1))
		r.Scale("web", 0)
		pass(time.Second)
		r.lines()
		if err := r.Stop(t.Context(), "web"); err != nil {
			t.Error(err)
		}
		r.want("journal", r.lines(), []string{"idle false"})
		r.want("asleep", r.Asleep("web"), false)
		r.deploy(web("r1", 1))
		r.want("journal", r.lines(), []string{"publish " + r.ids()[0]})
	})
}

func TestSuspect_FailsWhatDoesNotAnswerWithoutWaitingForTheInterval(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		rev := checked("r1", 1)
		rev.Health.Interval = 20 * time.Second
		r.serve(rev)
		old := r.ids()[0]
		r.Suspect(old) // and it answers
		r.Suspect("unknown")
		pass(2 * time.Second)
		r.want("published", r.ids(), []string{old})
		r.get(old, "/health?set=fail")
		r.Suspect(old)
		pass(2 * time.Second)
		if ids := r.ids(); len(ids) != 1 || ids[0] == old {
			t.Errorf("published %q two seconds after the suspicion, want a successor of %s", ids, old)
		}
	})
}

func TestSuspect_OneBadAnswerIsForgiven(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		rev := checked("r1", 1)
		rev.Health.Interval = 20 * time.Second
		r.serve(rev)
		ids := r.ids()
		r.get(ids[0], "/health?set=fail")
		r.Suspect(ids[0])
		pass(150 * time.Millisecond)
		r.get(ids[0], "/health?set=ok")
		pass(time.Hour)
		r.want("published", r.ids(), ids)
	})
}
