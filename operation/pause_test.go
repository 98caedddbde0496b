package operation_test

import (
	"errors"
	"testing"
	"time"

	"apron/api"
	"apron/driver"
	"apron/driver/drivertest"
	"apron/logs"
	"apron/store"
)

func TestPause_ThatCannotStopItsInstances_IsUndone(t *testing.T) {
	bubble(t, func(r *rig) {
		arn := r.running("web-app")
		stuck := r.fake.IDs()[0]
		r.fake.SetDestroyError(func(id string) error {
			if id == stuck {
				return broken("the kernel")
			}
			return nil
		})
		r.pause(arn)
		op := r.ends(arn, api.OperationFailed)
		if status := r.service(arn).Service.Status; status != api.StatusRunning {
			t.Errorf("service is %s, want RUNNING", status)
		}
		if status, body := r.get(arn, "/"); status != 200 {
			t.Errorf("URL answers %d %q, want the service", status, body)
		}
		events := r.events(arn)
		r.wantLine("events", events, op.ID(), "the kernel is broken")
		r.wantLine("events", events, logs.PauseFailed)

		r.fake.SetDestroyError(nil)
		r.pause(arn)
		r.ends(arn, api.OperationSucceeded)
		r.holds(arn, api.StatusPaused)
	})
}

func TestResume_ThatDoesNotTurnHealthy_StaysPausedAndLeavesNothing(t *testing.T) {
	bubble(t, func(r *rig) {
		arn := r.paused("web-app")
		r.fake.SetFault(func(driver.Spec) drivertest.Fault {
			return drivertest.Fault{Env: []string{"NEVER_LISTEN=1"}}
		})
		r.resume(arn)
		op := r.ends(arn, api.OperationFailed)
		r.holds(arn, api.StatusPaused)
		if ids := r.fake.IDs(); len(ids) != 0 {
			t.Errorf("instances %q are left", ids)
		}
		events := r.events(arn)
		r.wantLine("events", events, op.ID(), "Health check failed on protocol `TCP` [Port: '8080']")
		r.wantLine("events", events, logs.ResumeFailed)

		r.fake.SetFault(nil)
		r.resume(arn)
		r.ends(arn, api.OperationSucceeded)
		r.holds(arn, api.StatusRunning)
	})
}

func TestDelete_ThatFails_CanBeCalledAgain(t *testing.T) {
	bubble(t, func(r *rig) {
		arn := r.running("web-app")
		r.fake.SetDestroyError(func(string) error { return broken("the kernel") })
		r.delete(arn)
		op := r.ends(arn, api.OperationFailed)
		if status := r.service(arn).Service.Status; status != api.StatusDeleteFailed {
			t.Errorf("service is %s, want DELETE_FAILED", status)
		}
		if status, _ := r.get(arn, "/"); status != 404 {
			t.Errorf("URL answers %d, want 404", status)
		}
		events := r.events(arn)
		r.wantLine("events", events, op.ID(), "the kernel is broken")
		r.wantLine("events", events, logs.DeleteFailed)

		r.fake.SetDestroyError(nil)
		r.delete(arn)
		r.ends(arn, api.OperationSucceeded)
		r.holds(arn, api.StatusDeleted)
		if ids := r.fake.IDs(); len(ids) != 0 {
			t.Errorf("instances %q are left", ids)
		}
	})
}

// TestPause_GivenUpInItsDrain_ServesAgainAfterARestart has the server end right after a drain was given up: the next one
// knows no revision of the service until somebody names it.
func TestPause_GivenUpInItsDrain_ServesAgainAfterARestart(t *testing.T) {
	bubble(t, func(r *rig) {
		arn := r.running("web-app")
		r.endAt(api.OperationPauseService, "drain done")
		r.pause(arn)
		r = r.restartAfter(func(tx *store.Tx) error {
			op, err := tx.OpenOperation(arn)
			op.Failure = "the drain was given up"
			return errors.Join(err, tx.PutOperation(op))
		})
		r.ends(arn, api.OperationFailed)
		r.holds(arn, api.StatusRunning)
	})
}

// TestPause_UndoneWhereNothingStarts is RUNNING with nothing that runs; it must not stay so when the machine has healed.
func TestPause_UndoneWhereNothingStarts_IsTriedToStartOn(t *testing.T) {
	bubble(t, func(r *rig) {
		arn := r.running("web-app")
		r.fake.SetDestroyError(func(string) error { return broken("the kernel") })
		r.failStarts()
		r.pause(arn)
		r.ends(arn, api.OperationFailed)
		r.fake.SetDestroyError(nil)
		r.fake.SetFault(nil)
		time.Sleep(10 * time.Minute)
		r.holds(arn, api.StatusRunning)
	})
}
