package operation_test

import (
	"strings"
	"testing"
	"time"

	"apron/api"
	"apron/logs"
)

func TestUpdate_ThatFails_RestoresConfigurationAndTraffic(t *testing.T) {
	bubble(t, func(r *rig) {
		arn := r.running("web-app")
		r.update(arn, "web:1", map[string]string{"GREETING": "one"})
		r.ends(arn, api.OperationSucceeded)
		before := r.fake.IDs()
		r.update(arn, "web:2", map[string]string{"GREETING": "two", "EXIT_AT_START": "3"})
		if s := r.service(arn).Service; *s.ServiceUrl == "" || s.SourceConfiguration.ImageRepository.ImageIdentifier != r.machine.ref("web:2") {
			t.Errorf("service shows %s while it is updated, want web:2", s.SourceConfiguration.ImageRepository.ImageIdentifier)
		}
		op := r.ends(arn, api.OperationRollbackSucceeded)
		r.holds(arn, api.StatusRunning)
		r.serves(arn, "GREETING=one")
		r.wantLines("instances", r.fake.IDs(), before)
		source := r.service(arn).Service.SourceConfiguration.ImageRepository
		if source.ImageIdentifier != r.machine.ref("web:1") || source.ImageConfiguration.RuntimeEnvironmentVariables["GREETING"] != "one" {
			t.Errorf("service shows %s with %v, want what runs", source.ImageIdentifier, source.ImageConfiguration.RuntimeEnvironmentVariables)
		}
		r.wantLine("deployment", r.deployment(arn), logs.DeploymentFailed(op.ID(), op.Failure))
		r.wantLine("events", r.events(arn), logs.UpdateFailed)
	})
}

func TestDeploy_ThatFails_IsFailedAndTheOldVersionServesOn(t *testing.T) {
	bubble(t, func(r *rig) {
		arn := r.running("web-app")
		before := r.fake.IDs()
		r.failStarts()
		r.deploy(arn)
		r.ends(arn, api.OperationFailed)
		r.holds(arn, api.StatusRunning)
		r.wantLines("instances", r.fake.IDs(), before)
		r.wantLine("events", r.events(arn), logs.DeployFailed)
	})
}

// TestUpdate_ThatCannotRemoveTheOldVersion_KeepsTheNewOne because that has the traffic by then and is healthy, which is
// more than can be said of an old version that would have to be started again on a machine that removes nothing.
func TestUpdate_ThatCannotRemoveTheOldVersion_KeepsTheNewOne(t *testing.T) {
	bubble(t, func(r *rig) {
		arn := r.running("web-app")
		old := r.fake.IDs()[0]
		r.fake.SetDestroyError(func(id string) error {
			if id == old {
				return broken("the kernel")
			}
			return nil
		})
		begin := time.Now()
		r.update(arn, "web:2", map[string]string{"GREETING": "two"})
		r.ends(arn, api.OperationSucceeded)
		if took := time.Since(begin); took > 6*time.Minute {
			t.Errorf("the update took %v, want it to give the old instance up after one try", took)
		}
		r.serves(arn, "GREETING=two")
		r.requirePulled("web:1", true) // the old instance is still on it
		if !strings.Contains(r.log(), "the kernel is broken") {
			t.Error("the server's log does not say what is left")
		}
		r.fake.SetDestroyError(nil)
		time.Sleep(10 * time.Minute)
		r.holds(arn, api.StatusRunning) // and nothing but the new instance
	})
}

// TestUpdate_CutOffAfterAVainRetire_EndsTheOldVersionAfterTheRestart leaves the next server an old instance that no cursor tells of.
func TestUpdate_CutOffAfterAVainRetire_EndsTheOldVersionAfterTheRestart(t *testing.T) {
	bubble(t, func(r *rig) {
		arn := r.running("web-app")
		r.fake.SetDestroyError(func(string) error { return broken("the kernel") })
		r.endAt(api.OperationUpdateService, "retire done")
		r.update(arn, "web:2", nil)
		r.awaitEnd()
		if n := len(r.fake.IDs()); n != 2 {
			t.Fatalf("%d instances are left for the next server, want the old one and the new one", n)
		}
		r.fake.SetDestroyError(nil)
		r = r.restart()
		r.ends(arn, api.OperationSucceeded)
		r.holds(arn, api.StatusRunning)
		if n := len(r.fake.IDs()); n != 1 {
			t.Errorf("%d instances, want the new one", n)
		}
	})
}
