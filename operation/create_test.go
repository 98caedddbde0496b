package operation_test

import (
	"strings"
	"testing"
	"time"

	"apron/api"
	"apron/driver"
	"apron/driver/drivertest"
	"apron/logs"
	"apron/operation"
)

func TestCreate_GoesThroughItsStepsInOrderAndSaysSo(t *testing.T) {
	bubble(t, func(r *rig) {
		arn := r.running("web-app")
		op := r.last(arn)
		r.wantLines("places", r.came(api.OperationCreateService), operation.Places(api.OperationCreateService))
		r.wantLines("steps", op.Done, []string{"pull", "provision", "route", "retire"})
		r.wantLines("events", r.events(arn), []string{
			logs.CreateStarted,
			logs.StatusSet("OPERATION_IN_PROGRESS"),
			logs.ImagePulledEvent,
			logs.Provisioning,
			logs.HealthCheck("TCP", "", "8080"),
			logs.HealthCheckOK,
			logs.TrafficRouted,
			logs.CreateFinished,
			logs.StatusSet("RUNNING"),
		})
		r.wantLines("deployment", r.deployment(arn), []string{
			logs.DeploymentStarted(op.ID(), logs.TriggerCreate),
			logs.ImagePullStarted,
			logs.ImagePulled,
		})
	})
}

func TestPlainError_IsTriedAgainWithBackOff(t *testing.T) {
	bubble(t, func(r *rig) {
		fails := times(3)
		var starts []time.Time
		r.fake.SetFault(func(driver.Spec) (fault drivertest.Fault) {
			starts = append(starts, time.Now())
			if fails() {
				fault.StartErr = broken("the disk")
			}
			return fault
		})
		r.running("web-app")
		if len(starts) != 4 {
			t.Fatalf("%d starts, want 4", len(starts))
		}
		for i, least := range []time.Duration{200 * time.Millisecond, 400 * time.Millisecond, 800 * time.Millisecond} {
			if waited := starts[i+1].Sub(starts[i]); waited < least || waited > 2*least {
				t.Errorf("waited %v before try %d, want %v to %v", waited, i+2, least, 2*least)
			}
		}
	})
}

func TestPlainError_ThatStays_EndsTheOperation(t *testing.T) {
	bubble(t, func(r *rig) {
		starts := 0
		r.fake.SetFault(func(driver.Spec) drivertest.Fault {
			starts++
			return drivertest.Fault{StartErr: broken("the disk")}
		})
		arn := r.create("web-app", nil)
		op := r.ends(arn, api.OperationFailed)
		r.holds(arn, api.StatusCreateFailed)
		if starts != 5 || !strings.Contains(op.Failure, "the disk is broken") {
			t.Errorf("%d starts, failure %q; want 5 and the cause", starts, op.Failure)
		}
	})
}

func TestAbort_IsNotTriedAgain(t *testing.T) {
	bubble(t, func(r *rig) {
		arn := r.create("web-app", map[string]string{"EXIT_AT_START": "3"})
		op := r.ends(arn, api.OperationFailed)
		r.holds(arn, api.StatusCreateFailed)
		if starts := len(r.fake.Calls()); starts != 3 { // start, stop, destroy
			t.Errorf("driver calls = %q, want one start and its removal", r.fake.Calls())
		}
		if !strings.Contains(op.Failure, "Container exit code: 3") || strings.Contains(op.Failure, "ending at start") {
			t.Errorf("failure = %q, want the exit code and nothing of what the application printed", op.Failure)
		}
		lines := r.deployment(arn)
		r.wantLine("deployment", lines, "instance/", "ending at start with code 3")
		r.wantLine("deployment", lines, logs.DeploymentFailed(op.ID(), op.Failure))
		r.wantLine("events", r.events(arn), logs.CreateFailed)
	})
}

func TestUpdateOfACreateFailedService_ThatFails_IsFailedAgain(t *testing.T) {
	bubble(t, func(r *rig) {
		arn := r.create("web-app", map[string]string{"EXIT_AT_START": "3"})
		r.ends(arn, api.OperationFailed)
		r.update(arn, "web:2", map[string]string{"EXIT_AT_START": "4"})
		r.ends(arn, api.OperationFailed)
		r.holds(arn, api.StatusCreateFailed)
		if id := r.service(arn).Service.SourceConfiguration.ImageRepository.ImageIdentifier; id != r.machine.ref("web:2") {
			t.Errorf("service shows %s, want what was asked for last", id)
		}
		r.update(arn, "web:2", map[string]string{})
		r.ends(arn, api.OperationSucceeded)
		r.holds(arn, api.StatusRunning)
	})
}

// TestInstances_OfAnOpenOperation_AreTakenOver by the next server instead of being started anew.
func TestInstances_OfAnOpenOperation_AreTakenOver(t *testing.T) {
	bubble(t, func(r *rig) {
		r.endAt(api.OperationCreateService, "provision done")
		arn := r.create("web-app", nil)
		r.awaitEnd()
		before := r.fake.IDs()
		r = r.restart()
		r.ends(arn, api.OperationSucceeded)
		r.holds(arn, api.StatusRunning)
		r.wantLines("instances", r.fake.IDs(), before)
	})
}
