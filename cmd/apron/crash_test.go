package main_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/apprunner/types"

	"apron/api"
	"apron/operation"
)

// TestKill_AtEveryStepBoundary kills the server with SIGKILL at each place between two durable states of each operation,
// starts it again, and holds what it finds against the promise that nothing acknowledged is lost: the operation ends, the
// instances that should run do and answer, and nothing else is left on the machine.
func TestKill_AtEveryStepBoundary(t *testing.T) {
	for _, c := range []struct {
		kind   api.OperationType
		from   string // the state the service is brought into before
		call   func(context.Context, *world) error
		places []string
		status types.ServiceStatus
		ended  types.OperationStatus
	}{
		{api.OperationCreateService, "none", create, operation.Places(api.OperationCreateService), types.ServiceStatusRunning, types.OperationStatusSucceeded},
		{api.OperationPauseService, "running", pause, operation.Places(api.OperationPauseService), types.ServiceStatusPaused, types.OperationStatusSucceeded},
		{api.OperationResumeService, "paused", resume, operation.Places(api.OperationResumeService), types.ServiceStatusRunning, types.OperationStatusSucceeded},
		{api.OperationUpdateService, "running", updateGreeting, operation.Places(api.OperationUpdateService), types.ServiceStatusRunning, types.OperationStatusSucceeded},
		{api.OperationUpdateService, "running", updateToBroken, []string{"gave up", "provision undone", "finish", "finish saved"}, types.ServiceStatusRunning, types.OperationStatusRollbackSucceeded},
		{api.OperationStartDeployment, "running", deploy, operation.Places(api.OperationStartDeployment), types.ServiceStatusRunning, types.OperationStatusSucceeded},
		{api.OperationDeleteService, "running", remove, operation.Places(api.OperationDeleteService), types.ServiceStatusDeleted, types.OperationStatusSucceeded},
	} {
		t.Run(string(c.kind)+" "+string(c.ended), func(t *testing.T) {
			t.Parallel()
			for _, place := range c.places {
				t.Run(place, func(t *testing.T) {
					w := newWorld(t, "APRON_CRASH_AT="+string(c.kind)+" "+place)
					w.bring(c.from)
					_ = c.call(t.Context(), w) // the server may be gone before it has answered
					if err := w.platform.Wait(); err != nil {
						t.Fatalf("%v\n%s", err, w.platform.Log())
					}
					w.start()
					w.ends(c.ended)
					w.holds(c.status)
				})
			}
		})
	}
}
