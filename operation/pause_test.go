package operation_test

import (
	"testing"

	"apron/api"
	"apron/driver"
	"apron/driver/drivertest"
	"apron/logs"
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
