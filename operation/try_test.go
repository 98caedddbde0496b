package operation_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"apron/api"
	"apron/driver"
	"apron/driver/drivertest"
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
