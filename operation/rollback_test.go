package operation_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"apron/api"
	"apron/image"
	"apron/logs"
	"apron/store"
)

// TestRollback_RunsTheVersionBefore with the image and the variables that it had, without asking for the image.
func TestRollback_RunsTheVersionBefore(t *testing.T) {
	bubble(t, func(r *rig) {
		arn := r.create("web-app", map[string]string{"VERSION": "one"})
		r.ends(arn, api.OperationSucceeded)
		first := r.last(arn).ID()
		r.update(arn, "web:2", map[string]string{"VERSION": "two"})
		r.ends(arn, api.OperationSucceeded)
		r.login = func() *image.Auth {
			t.Error("the image was pulled")
			return nil
		}
		r.rollback(arn)
		op := r.ends(arn, api.OperationSucceeded)
		r.holds(arn, api.StatusRunning)
		r.serves(arn, "VERSION=one")
		if d := r.service(arn).Deployed; d.ID != op.ID() || d.Image != r.machine.digests["web:1"] || d.RestoredFrom != first {
			t.Errorf("deployed is %+v", d)
		}
		r.wantLine("deployment", r.deployment(arn), logs.DeploymentStarted(op.ID(), logs.TriggerRollback))
		r.wantLine("deployment", r.deployment(arn), first, r.machine.digests["web:1"])
		events := r.events(arn)
		r.wantLine("events", events, logs.RollbackStarted)
		r.wantLine("events", events, logs.RollbackFinished)

		r.rollback(arn) // and forth
		r.ends(arn, api.OperationSucceeded)
		r.serves(arn, "VERSION=two")
		r = r.restart()
		r.holds(arn, api.StatusRunning)
		r.serves(arn, "VERSION=two")
	})
}

func TestRollback_ToAVersionThatDoesNotStart_KeepsTheCurrentOne(t *testing.T) {
	bubble(t, func(r *rig) {
		arn := r.updated("web-app")
		r.failStarts()
		r.rollback(arn)
		r.ends(arn, api.OperationRollbackSucceeded)
		r.holds(arn, api.StatusRunning)
		r.serves(arn, "VERSION=two")
		if shown := r.service(arn).Service.SourceConfiguration.ImageRepository.ImageIdentifier; shown != r.machine.ref("web:2") {
			t.Errorf("the service shows %s", shown)
		}
		r.wantLine("events", r.events(arn), logs.RollbackFailed)
	})
}

func TestRollback_WithoutItsImage_SaysWhatToDo(t *testing.T) {
	bubble(t, func(r *rig) {
		arn := r.updated("web-app")
		if _, err := r.machine.images.Remove(t.Context(), r.machine.digests["web:1"]); err != nil {
			t.Fatal(err)
		}
		r.rollback(arn)
		op := r.ends(arn, api.OperationRollbackSucceeded)
		r.holds(arn, api.StatusRunning)
		r.serves(arn, "VERSION=two")
		if !strings.Contains(op.Failure, "is not on this machine any more") || !strings.Contains(op.Failure, "UpdateService") {
			t.Errorf("failure = %q", op.Failure)
		}
	})
}

// TestHistory_IsOfDeploymentsThatSucceeded alone, newest first, and ends with the service.
func TestHistory_IsOfDeploymentsThatSucceeded(t *testing.T) {
	bubble(t, func(r *rig) {
		arn := r.updated("web-app")
		updateToBroken(r, arn)
		r.ends(arn, api.OperationRollbackSucceeded)
		r.pause(arn)
		r.ends(arn, api.OperationSucceeded)
		r.resume(arn)
		r.ends(arn, api.OperationSucceeded)
		r.deploy(arn)
		r.ends(arn, api.OperationSucceeded)
		want := []string{
			"START_DEPLOYMENT " + r.machine.digests["web:2"] + " true",
			"UPDATE_SERVICE " + r.machine.digests["web:2"] + " false",
			"CREATE_SERVICE " + r.machine.digests["web:1"] + " false",
		}
		if got := r.history(arn); !slices.Equal(got, want) {
			t.Errorf("the deployments are\n%q, want\n%q", got, want)
		}
		r.delete(arn)
		r.ends(arn, api.OperationSucceeded)
		r.accepted(r.store.View(t.Context(), func(tx *store.Tx) error {
			rows, err := tx.ListDeployments(arn, 0, -1)
			if len(rows) != 0 {
				t.Errorf("a deleted service keeps %+v", rows)
			}
			return err
		}))
		r.requirePulled("web:1", false)
		r.requirePulled("web:2", false)
	})
}

func (r *rig) history(arn string) (list []string) {
	r.t.Helper()
	out, err := r.control.ListDeployments(r.t.Context(), caller, &api.ListDeploymentsRequest{ServiceArn: arn})
	r.accepted(err)
	for _, d := range out.DeploymentSummaryList {
		list = append(list, fmt.Sprint(d.Type, " ", d.ImageDigest, " ", d.Current))
	}
	return list
}
