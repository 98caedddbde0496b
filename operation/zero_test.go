package operation_test

import (
	"net/http"
	"testing"
	"time"

	"apron/api"
	"apron/operation"
)

// tag gives the service a tag, or takes it when the value is empty.
func (r *rig) tag(arn, key, value string) {
	r.t.Helper()
	if value == "" {
		_, err := r.control.UntagResource(r.t.Context(), caller, &api.UntagResourceRequest{ResourceArn: arn, TagKeys: []string{key}})
		r.accepted(err)
		return
	}
	_, err := r.control.TagResource(r.t.Context(), caller, &api.TagResourceRequest{ResourceArn: arn, Tags: []api.Tag{{Key: &key, Value: &value}}})
	r.accepted(err)
}

// asleep makes a service that has fallen asleep.
func (r *rig) asleep(name string) (arn string) {
	r.t.Helper()
	arn = r.running(name)
	r.tag(arn, "apron:idle-timeout", "1m")
	r.sleeps(arn)
	return arn
}

// wakes asks a service that may sleep, and checks that it runs then.
func (r *rig) wakes(arn string) {
	r.t.Helper()
	if status, body := r.get(arn, "/"); status != http.StatusOK {
		r.t.Errorf("URL answers %d %q, want 200", status, body)
	}
	r.holds(arn, api.StatusRunning)
}

// sleeps lets the idle time pass and checks that the service has fallen asleep.
func (r *rig) sleeps(arn string) {
	r.t.Helper()
	time.Sleep(2 * time.Minute)
	if ids := r.fake.IDs(); len(ids) != 0 || !r.fleet.Asleep(r.service(arn).Service.ServiceId) {
		r.t.Errorf("after its idle time the service has %q", ids)
	}
}

func TestIdleTimeout_IsInForceAtOnceAndUntilItIsTaken(t *testing.T) {
	bubble(t, func(r *rig) {
		arn := r.running("web-app")
		time.Sleep(time.Hour)
		r.wantInstances(arn, 1)
		r.tag(arn, "apron:idle-timeout", "1m")
		r.sleeps(arn)
		r.wakes(arn)
		r.sleeps(arn)
		r.tag(arn, "apron:idle-timeout", "")
		time.Sleep(5 * time.Second)
		r.wantInstances(arn, 1)
		time.Sleep(time.Hour)
		r.wantInstances(arn, 1)
	})
}

func TestIdleService_IsNotStartedByARestartOfTheServer(t *testing.T) {
	bubble(t, func(r *rig) {
		arn := r.asleep("web-app")
		r = r.restart()
		time.Sleep(time.Hour)
		if ids := r.fake.IDs(); len(ids) != 0 {
			t.Errorf("an hour after the restart it has %q", ids)
		}
		r.wakes(arn)
		r.sleeps(arn)
	})
}

func TestTags_OfAServiceThatIsNotServedAreInForceWhenItIs(t *testing.T) {
	bubble(t, func(r *rig) {
		arn := r.paused("web-app")
		r.tag(arn, "apron:idle-timeout", "1m")
		time.Sleep(time.Hour)
		r.holds(arn, api.StatusPaused)
		r.resume(arn)
		r.ends(arn, api.OperationSucceeded)
		r.wantInstances(arn, 1)
		r.sleeps(arn)
	})
}

// TestRunsEnd_DuringAnOperationOfAnIdleService ends the server at every boundary of every operation of a service that sleeps.
func TestRunsEnd_DuringAnOperationOfAnIdleService(t *testing.T) {
	m := newMachine(t)
	for _, c := range []struct {
		kind   api.OperationType
		call   func(*rig, string)
		places []string
		ended  api.OperationStatus
		status api.ServiceStatus
	}{
		{api.OperationPauseService, (*rig).pause, operation.Places(api.OperationPauseService), api.OperationSucceeded, api.StatusPaused},
		{api.OperationStartDeployment, (*rig).deploy, operation.Places(api.OperationStartDeployment), api.OperationSucceeded, api.StatusRunning},
		{api.OperationDeleteService, (*rig).delete, operation.Places(api.OperationDeleteService), api.OperationSucceeded, api.StatusDeleted},
		{api.OperationUpdateService, updateToBroken, []string{"gave up", "provision undone", "finish", "finish saved"}, api.OperationRollbackSucceeded, api.StatusRunning},
	} {
		for _, place := range c.places {
			t.Run(string(c.kind)+" "+place, func(t *testing.T) {
				bubbleOn(t, m.another(t), func(r *rig) {
					arn := r.asleep("web-app")
					r.endAt(c.kind, place)
					c.call(r, arn)
					r.awaitEnd()
					r = r.restart()
					r.ends(arn, c.ended)
					if c.status != api.StatusRunning {
						r.holds(arn, c.status)
						return
					}
					r.wakes(arn)
					r.sleeps(arn)
					r.wakes(arn)
				})
			})
		}
	}
}
