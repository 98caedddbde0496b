package operation_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"apron/api"
	"apron/driver"
	"apron/driver/drivertest"
	"apron/image"
	"apron/operation"
)

// TestStep_WhoseCallTimedOutInside_IsNotDone has the driver give up by a deadline of its own, long before the step's.
func TestStep_WhoseCallTimedOutInside_IsNotDone(t *testing.T) {
	bubble(t, func(r *rig) {
		r.fake.SetFault(func(driver.Spec) drivertest.Fault {
			return drivertest.Fault{StartErr: fmt.Errorf("ask the kernel: %w", context.DeadlineExceeded)}
		})
		arn := r.create("web-app", nil)
		op := r.ends(arn, api.OperationFailed)
		r.holds(arn, api.StatusCreateFailed)
		if !strings.Contains(op.Failure, "ask the kernel") {
			t.Errorf("failure = %q, want the call's own", op.Failure)
		}
	})
}

func TestPanicInAStep_EndsTheOperationAndNotTheServer(t *testing.T) {
	bubble(t, func(r *rig) {
		calls := 0
		r.login = func() *image.Auth {
			calls++
			panic("a defect, for the test")
		}
		arn := r.create("web-app", nil)
		op := r.ends(arn, api.OperationFailed)
		r.holds(arn, api.StatusCreateFailed)
		if calls != 1 || !strings.Contains(op.Failure, "defect in step pull") || strings.Contains(op.Failure, "for the test") {
			t.Errorf("%d tries, failure %q; want one, and where to look", calls, op.Failure)
		}
		if log := r.log(); !strings.Contains(log, "a defect, for the test") || !strings.Contains(log, "try_test.go") {
			t.Error("the server's log lacks the panic or its stack")
		}
		r.login = nil
		r.update(arn, "web:1", nil)
		r.ends(arn, api.OperationSucceeded)
		r.holds(arn, api.StatusRunning)
	})
}

// TestSteps_TakeAsLongAsTheirPartsMay has each part of a service's life use up what it may take, under limits that are
// set much longer than the default ones. No step may lose patience before.
func TestSteps_TakeAsLongAsTheirPartsMay(t *testing.T) {
	m := newMachine(t)
	m.limits = operation.Limits{StartAllowance: 40 * time.Minute, StopGrace: 20 * time.Minute, DrainLimit: 30 * time.Minute}
	bubbleOn(t, m, func(r *rig) {
		slow := map[string]string{"START_DELAY_MS": "2100000", "IGNORE_TERM": "1"} // 35 minutes
		arn := r.create("web-app", slow)
		r.ends(arn, api.OperationSucceeded)
		r.update(arn, "web:2", slow)
		r.ends(arn, api.OperationSucceeded)
		r.pause(arn)
		r.ends(arn, api.OperationSucceeded)
		r.holds(arn, api.StatusPaused)
		if log := r.log(); strings.Contains(log, "step failed") {
			t.Errorf("a step was tried twice:\n%s", log)
		}
	})
}
