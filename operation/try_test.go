package operation_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"apron/api"
	"apron/driver"
	"apron/driver/drivertest"
	"apron/image"
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
