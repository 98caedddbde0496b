package fleet_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"apron/driver"
)

func TestRetire_AllIsPauseAndNothingComesBack(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.serve(web("r1", 3))
		for range 2 {
			if err := r.Retire(t.Context(), "web", ""); err != nil {
				t.Fatal(err)
			}
		}
		pass(time.Hour)
		r.want("instances", r.fake.IDs(), []string(nil))
		r.want("published", r.ids(), []string(nil))
		r.want("events", r.told(), []string(nil))
		r.deploy(web("r1", 1)) // resume
		r.want("published", len(r.ids()), 1)
	})
}

func TestRetire_DrainThatNeverEndsIsCutOff(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.serve(web("r1", 2, "IGNORE_TERM=1"))
		r.drain = func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() }
		start := time.Now()
		if err := r.Stop(t.Context(), "web"); err != nil {
			t.Fatal(err)
		}
		r.want("Stop took", time.Since(start), 150*time.Second) // limit of a request and grace, in parallel
		r.want("instances", r.fake.IDs(), []string(nil))
		r.want("listed", len(r.Instances("web")), 0)
	})
}

func TestRetire_TriesAgainUntilTheDriverCanDestroy(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.serve(web("r1", 1))
		busy := errors.New("mount is busy")
		r.fake.SetDestroyError(func(string) error { return busy })
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := r.Retire(ctx, "web", ""); !errors.Is(err, busy) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Retire = %v, want the deadline and the driver's error", err)
		}
		r.fake.SetDestroyError(nil)
		if err := r.Retire(t.Context(), "web", ""); err != nil {
			t.Error("Retire again:", err)
		}
		r.want("instances", r.fake.IDs(), []string(nil))
	})
}

func TestRetire_CutsOffAnInstanceThatStarts(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.recover(nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.Deploy(ctx, web("r1", 2, "NEVER_LISTEN=1")); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("Deploy = %v", err)
		}
		if err := r.Stop(t.Context(), "web"); err != nil {
			t.Fatal(err)
		}
		r.want("instances", r.fake.IDs(), []string(nil))
		r.want("journal", r.lines(), []string(nil)) // never published, so nothing to drain
		calls := r.fake.Calls()
		r.want("stops", len(slices.DeleteFunc(calls, func(c string) bool { return c[:4] != "stop" })), 2)
	})
}

func TestDial_OfAnInstanceThatIsGoneIsErrNotFound(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.serve(web("r1", 1))
		conn, err := r.Dial(t.Context(), r.ids()[0])
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
		if _, err := r.Dial(t.Context(), "gone"); !errors.Is(err, driver.ErrNotFound) {
			t.Errorf("Dial = %v, want ErrNotFound", err)
		}
	})
}
