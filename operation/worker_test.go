package operation_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"apron/api"
	"apron/driver"
	"apron/driver/drivertest"
	"apron/operation"
)

// slowStarts has every start take a minute.
func (r *rig) slowStarts() {
	r.fake.SetFault(func(driver.Spec) drivertest.Fault { return drivertest.Fault{StartDelay: time.Minute} })
}

// failStarts has every start fail with an error of the machine.
func (r *rig) failStarts() {
	r.fake.SetFault(func(driver.Spec) drivertest.Fault { return drivertest.Fault{StartErr: broken("the disk")} })
}

func TestOperationsOfTwoServices_RunSideBySide(t *testing.T) {
	bubble(t, func(r *rig) {
		r.slowStarts()
		begin := time.Now()
		one, two := r.create("service-one", nil), r.create("service-two", nil)
		r.ends(one, api.OperationSucceeded)
		r.ends(two, api.OperationSucceeded)
		if took := time.Since(begin); took > 90*time.Second {
			t.Errorf("two creates of a minute took %v, want them side by side", took)
		}
	})
}

// TestWakeDuringAnOperation wakes the worker as often as it can while it is at work: nothing begins twice, and what
// is asked for at the very end of an operation, when the worker is about to turn away, is not lost.
func TestWakeDuringAnOperation_IsNeitherLostNorRunTwice(t *testing.T) {
	bubble(t, func(r *rig) {
		r.slowStarts()
		arn := r.create("web-app", nil)
		paused := false
		r.mu.Lock()
		r.at = func(_, place string) {
			r.worker.Wake(arn)
			synctest.Wait() // Run has seen it
			if place == "finish saved" && !paused {
				paused = true
				r.pause(arn)
			}
		}
		r.mu.Unlock()
		for range 10 {
			r.worker.Wake(arn)
			time.Sleep(time.Second)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		r.ends(arn, api.OperationSucceeded)
		r.holds(arn, api.StatusPaused)
		starts := 0
		for _, call := range r.fake.Calls() {
			if call[:5] == "start" {
				starts++
			}
		}
		if starts != 1 {
			t.Errorf("driver calls = %q, want one start", r.fake.Calls())
		}
	})
}

// TestRunsEnd_StopsAnOperationAtItsCursor ends the server at every boundary of every operation; the next one brings the
// operation to its end, without doing again what needs no repeating.
func TestRunsEnd_StopsAnOperationAtItsCursorAndTheNextRunEndsIt(t *testing.T) {
	m := newMachine(t)
	for _, c := range []struct {
		kind   api.OperationType
		from   func(*rig, string) string
		call   func(*rig, string)
		places []string
		ended  api.OperationStatus
		status api.ServiceStatus
	}{
		{api.OperationCreateService, nil, nil, operation.Places(api.OperationCreateService), api.OperationSucceeded, api.StatusRunning},
		{api.OperationPauseService, (*rig).running, (*rig).pause, operation.Places(api.OperationPauseService), api.OperationSucceeded, api.StatusPaused},
		{api.OperationResumeService, (*rig).paused, (*rig).resume, operation.Places(api.OperationResumeService), api.OperationSucceeded, api.StatusRunning},
		{api.OperationStartDeployment, (*rig).running, (*rig).deploy, operation.Places(api.OperationStartDeployment), api.OperationSucceeded, api.StatusRunning},
		{api.OperationDeleteService, (*rig).running, (*rig).delete, operation.Places(api.OperationDeleteService), api.OperationSucceeded, api.StatusDeleted},
		{api.OperationUpdateService, (*rig).running, updateToBroken, []string{"gave up", "provision undone", "finish", "finish saved"}, api.OperationRollbackSucceeded, api.StatusRunning},
		{api.OperationPauseService, (*rig).running, pauseStuck, operation.UndoPlaces(api.OperationPauseService), api.OperationFailed, api.StatusRunning},
		{api.OperationResumeService, (*rig).paused, resumeBroken, []string{"gave up", "provision undone", "finish", "finish saved"}, api.OperationFailed, api.StatusPaused},
	} {
		for _, place := range c.places {
			t.Run(string(c.kind)+" "+string(c.ended)+" "+place, func(t *testing.T) {
				bubbleOn(t, m.another(t), func(r *rig) {
					arn := ""
					if c.from != nil {
						arn = c.from(r, "web-app")
					}
					r.endAt(c.kind, place)
					if c.call == nil {
						arn = r.create("web-app", nil)
					} else {
						c.call(r, arn)
					}
					r.awaitEnd()
					r.fake.SetDestroyError(nil)
					r.fake.SetFault(nil)
					r = r.restart()
					r.ends(arn, c.ended)
					r.holds(arn, c.status)
				})
			})
		}
	}
}

func updateToBroken(r *rig, arn string) {
	r.update(arn, "web:2", map[string]string{"EXIT_AT_START": "3"})
}

// TestStoreThatFails_HoldsAnOperationUpButDoesNotFailIt has the store refuse every cursor for a while, as on a full disk. What was done is
// not undone for it: the operation waits and goes on.
func TestStoreThatFails_HoldsAnOperationUpButDoesNotFailIt(t *testing.T) {
	bubble(t, func(r *rig) {
		db, err := sql.Open("sqlite", filepath.Join(r.machine.dir, "apron.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		exec := func(query string) {
			if _, err := db.ExecContext(t.Context(), query); err != nil {
				t.Error(err)
			}
		}
		full := false
		r.at = func(_, place string) {
			if place == "provision done" && !full {
				full = true
				exec(`CREATE TRIGGER full BEFORE UPDATE ON operations WHEN NEW.record NOT LIKE '%"failure"%'
					BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`)
			}
		}
		arn := r.create("web-app", nil)
		time.Sleep(time.Minute)
		if !full || !strings.Contains(r.log(), "the disk is full") {
			t.Error("no cursor was refused: the test tests nothing")
		}
		exec(`DROP TRIGGER full`)
		r.ends(arn, api.OperationSucceeded)
		r.holds(arn, api.StatusRunning)
	})
}

// pauseStuck pauses a service whose instance can be stopped but not destroyed.
func pauseStuck(r *rig, arn string) {
	r.fake.SetDestroyError(func(string) error { return broken("the kernel") })
	r.pause(arn)
}

func resumeBroken(r *rig, arn string) {
	r.failStarts()
	r.resume(arn)
}
