package operation_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"apron/api"
	"apron/driver"
	"apron/driver/drivertest"
	"apron/logs"
	"apron/operation"
	"apron/store"
)

// cancel asks for the service's operation to be cancelled.
func (r *rig) cancelOperation(arn string) error {
	_, err := r.control.CancelOperation(r.t.Context(), caller, &api.CancelOperationRequest{ServiceArn: arn})
	return err
}

func (r *rig) cancels(arn string) {
	r.t.Helper()
	r.accepted(r.cancelOperation(arn))
}

// describe is what clients are told of the service's newest operation.
func (r *rig) describe(arn string) *api.Operation {
	r.t.Helper()
	out, err := r.control.DescribeOperation(r.t.Context(), caller, &api.DescribeOperationRequest{ServiceArn: arn, OperationId: r.last(arn).ID()})
	r.accepted(err)
	return out.Operation
}

// undoing is one type of operation that can be cancelled, and what it leaves when it was.
type undoing struct {
	kind   api.OperationType
	from   func(*rig, string) string
	call   func(*rig, string)
	places []string
	undo   []string
	ended  api.OperationStatus
	status api.ServiceStatus
}

var cancellable = map[string]undoing{
	"create":   {api.OperationCreateService, nil, nil, operation.Places(api.OperationCreateService), operation.UndoPlaces(api.OperationCreateService), api.OperationFailed, api.StatusCreateFailed},
	"update":   {api.OperationUpdateService, (*rig).running, updateToTwo, operation.Places(api.OperationUpdateService), operation.UndoPlaces(api.OperationUpdateService), api.OperationRollbackSucceeded, api.StatusRunning},
	"deploy":   {api.OperationStartDeployment, (*rig).running, (*rig).deploy, operation.Places(api.OperationStartDeployment), operation.UndoPlaces(api.OperationStartDeployment), api.OperationFailed, api.StatusRunning},
	"pause":    {api.OperationPauseService, (*rig).running, (*rig).pause, operation.Places(api.OperationPauseService), operation.UndoPlaces(api.OperationPauseService), api.OperationFailed, api.StatusRunning},
	"resume":   {api.OperationResumeService, (*rig).paused, (*rig).resume, operation.Places(api.OperationResumeService), operation.UndoPlaces(api.OperationResumeService), api.OperationFailed, api.StatusPaused},
	"rollback": {api.OperationUpdateService, (*rig).updated, (*rig).rollback, operation.RollbackPlaces(), operation.UndoPlaces(api.OperationUpdateService), api.OperationRollbackSucceeded, api.StatusRunning},
}

// updated makes a service that runs from web:2 and ran from web:1 before.
func (r *rig) updated(name string) (arn string) {
	r.t.Helper()
	arn = r.running(name)
	r.update(arn, "web:2", map[string]string{"VERSION": "two"})
	r.ends(arn, api.OperationSucceeded)
	return arn
}

func (r *rig) rollback(arn string) {
	r.t.Helper()
	_, err := r.control.RollbackService(r.t.Context(), caller, &api.RollbackServiceRequest{ServiceArn: arn})
	r.accepted(err)
}

// begin brings a service to where the operation starts and has at called once, at the place.
func (u undoing) begin(r *rig, place string, at func(arn string)) (arn string) {
	r.t.Helper()
	if u.from != nil {
		arn = u.from(r, "web-app")
	}
	came := times(1)
	r.mu.Lock()
	r.at = func(kind, p string) {
		if kind == string(u.kind) && p == place && came() {
			if arn == "" { // of a create, whose answer may not be there yet
				arn = r.only()
			}
			at(arn)
		}
	}
	r.mu.Unlock()
	if u.call == nil {
		return r.create("web-app", nil)
	}
	u.call(r, arn)
	return arn
}

// only is the ARN of the one service with an operation.
func (r *rig) only() (arn string) {
	r.store.View(r.t.Context(), func(tx *store.Tx) error {
		rows, err := tx.OpenOperations()
		arn = rows[0].Record.ServiceArn()
		return err
	})
	return arn
}

// isUndone wants the service to be what it was before the operation, which says who cancelled it.
func (u undoing) isUndone(r *rig, arn string) {
	r.t.Helper()
	op := r.ends(arn, u.ended)
	r.holds(arn, u.status)
	shown := r.describe(arn)
	if shown.Reason == nil || !strings.Contains(*shown.Reason, "The operation was cancelled by access key AKIATEST, with request ") || !shown.CancelRequested {
		r.t.Errorf("the operation shows %+v", shown)
	}
	r.wantLine("events", r.events(arn), logs.OperationCancelled(op.ID(), op.Failure))
	if u.status == api.StatusRunning {
		u.servesAsBefore(r, arn)
	}
}

// servesAsBefore also wants the record to show what runs.
func (u undoing) servesAsBefore(r *rig, arn string) {
	r.t.Helper()
	svc := r.service(arn)
	list, err := r.control.ListDeployments(r.t.Context(), caller, &api.ListDeploymentsRequest{ServiceArn: arn})
	r.accepted(err)
	if newest := list.DeploymentSummaryList[0]; !newest.Current || newest.OperationId != svc.Deployed.ID {
		r.t.Errorf("the newest deployment is %+v, deployed is %s", newest, svc.Deployed.ID)
	}
	shown := svc.Service.SourceConfiguration.ImageRepository.ImageIdentifier
	if ran := svc.Deployed.Config.SourceConfiguration.ImageRepository.ImageIdentifier; shown != ran {
		r.t.Errorf("the service shows %s and runs %s", shown, ran)
	}
}

// TestCancel_AtEveryPlaceOfEveryOperation undoes what was done up to there. The last place is behind the end.
func TestCancel_AtEveryPlaceOfEveryOperation_UndoesIt(t *testing.T) {
	m := newMachine(t)
	for name, u := range cancellable {
		for _, place := range u.places[:len(u.places)-1] {
			t.Run(name+" "+place, func(t *testing.T) {
				bubbleOn(t, m.another(t), func(r *rig) {
					var asked error
					arn := u.begin(r, place, func(arn string) { asked = r.cancelOperation(arn) })
					u.isUndone(r, arn)
					r.accepted(asked)
				})
			})
		}
	}
}

// TestCancel_IsKeptThroughAKill has the server end right after it has answered, at every place.
func TestCancel_IsKeptThroughAKill(t *testing.T) {
	m := newMachine(t)
	for name, u := range cancellable {
		for _, place := range u.places[:len(u.places)-1] {
			t.Run(name+" "+place, func(t *testing.T) {
				bubbleOn(t, m.another(t), func(r *rig) {
					var asked error
					arn := u.begin(r, place, func(arn string) {
						asked = r.cancelOperation(arn)
						r.cancel()
					})
					r.awaitEnd()
					r.accepted(asked)
					r = r.restart()
					u.isUndone(r, arn)
				})
			})
		}
	}
}

// TestCancel_CutOffOnItsWayBack goes on from there after a restart, from the last place before the end, where every step
// was begun.
func TestCancel_CutOffOnItsWayBack_GoesOnAfterARestart(t *testing.T) {
	m := newMachine(t)
	for name, u := range cancellable {
		for _, place := range u.undo[:len(u.undo)-1] {
			t.Run(name+" "+place, func(t *testing.T) {
				bubbleOn(t, m.another(t), func(r *rig) {
					last := u.places[len(u.places)-3] // behind the last step
					arn := u.begin(r, last, func(arn string) {
						if err := r.cancelOperation(arn); err != nil {
							t.Error(err)
						}
						r.endAt(u.kind, place)
					})
					r.awaitEnd()
					r = r.restart()
					u.isUndone(r, arn)
				})
			})
		}
	}
}

// TestCancel_OfAnOperationThatHasNotBegun is one whose server was killed before it could claim it.
func TestCancel_OfAnOperationThatHasNotBegun_StartsNothing(t *testing.T) {
	bubble(t, func(r *rig) {
		arn := r.running("web-app")
		before := r.fake.IDs()
		r.cancel()
		r.deploy(arn)
		r.cancels(arn)
		r.wait()
		r = r.restart()
		r.ends(arn, api.OperationFailed)
		r.holds(arn, api.StatusRunning)
		if after := r.fake.IDs(); !slices.Equal(after, before) {
			t.Errorf("instances are %v, were %v", after, before)
		}
	})
}

// TestCancel_EndsWhatWaits at once, whatever the operation waits for: minutes in each case.
func TestCancel_EndsWhatWaits(t *testing.T) {
	m := newMachine(t)
	for name, tt := range map[string]struct {
		begin  func(*rig, string) (arn string)
		step   string
		ended  api.OperationStatus
		status api.ServiceStatus
	}{
		"for a program to be healthy": {func(r *rig, name string) string {
			return r.create(name, map[string]string{"NEVER_LISTEN": "1"})
		}, "provision", api.OperationFailed, api.StatusCreateFailed},
		"for a start": {func(r *rig, name string) string {
			arn := r.paused(name)
			r.fake.SetFault(func(driver.Spec) drivertest.Fault { return drivertest.Fault{StartDelay: 4 * time.Minute} })
			r.resume(arn)
			return arn
		}, "provision", api.OperationFailed, api.StatusPaused},
		"for the next try": {func(r *rig, name string) string {
			arn := r.running(name)
			r.failStarts()
			r.deploy(arn)
			return arn
		}, "provision", api.OperationFailed, api.StatusRunning},
		"for requests in flight": {func(r *rig, name string) string {
			arn := r.running(name)
			go func() {
				if status, body := r.get(arn, "/slow?ms=30000"); status != http.StatusOK {
					t.Errorf("the request that the pause waited for got %d %q", status, body)
				}
			}()
			time.Sleep(time.Second)
			r.pause(arn)
			return arn
		}, "drain", api.OperationFailed, api.StatusRunning},
		"for a program to end": {func(r *rig, name string) string {
			arn := r.create(name, map[string]string{"IGNORE_TERM": "1"})
			r.ends(arn, api.OperationSucceeded)
			r.pause(arn)
			return arn
		}, "stop", api.OperationFailed, api.StatusRunning},
	} {
		t.Run(name, func(t *testing.T) {
			bubbleOn(t, m.another(t), func(r *rig) {
				arn := tt.begin(r, "web-app")
				time.Sleep(500 * time.Millisecond)
				if at := r.describe(arn); at.Step == nil || *at.Step != tt.step || at.EndedAt != nil {
					t.Fatalf("the operation shows %+v, want it to wait in %s", at, tt.step)
				}
				r.fake.SetFault(nil)
				asked := time.Now()
				r.cancels(arn)
				for r.last(arn).Summary.EndedAt == nil {
					time.Sleep(100 * time.Millisecond)
				}
				if took := time.Since(asked); took > 10*time.Second {
					t.Errorf("the end came after %v", took)
				}
				r.ends(arn, tt.ended)
				time.Sleep(time.Minute) // what leaves has left
				r.holds(arn, tt.status)
			})
		})
	}
}

// TestCancel_OnTheWayBack changes nothing there: an operation that failed by itself refuses, and one that was cancelled
// says so again.
func TestCancel_OnTheWayBack(t *testing.T) {
	m := newMachine(t)
	for _, place := range []string{"gave up", "provision undone", "finish"} {
		t.Run(place, func(t *testing.T) {
			bubbleOn(t, m.another(t), func(r *rig) {
				u := cancellable["update"]
				var asked error
				u.call = updateToBroken
				arn := u.begin(r, place, func(arn string) { asked = r.cancelOperation(arn) })
				op := r.ends(arn, api.OperationRollbackSucceeded)
				r.holds(arn, api.StatusRunning)
				if e, ok := errors.AsType[*api.Error](asked); !ok || e.Kind != api.KindInvalidState {
					t.Errorf("the answer is %v", asked)
				}
				if strings.Contains(op.Failure, "cancelled") {
					t.Errorf("the failure is %q, want the program's", op.Failure)
				}
			})
		})
	}
}

func TestProgress_OfEveryStep(t *testing.T) {
	bubble(t, func(r *rig) {
		arn := r.running("web-app")
		wantSteps(t, r.describe(arn), "pull SUCCEEDED, provision SUCCEEDED, route SUCCEEDED, retire SUCCEEDED")
		seen := map[string]string{}
		r.at = func(_, place string) {
			op := r.describe(arn)
			at := "-"
			if op.Step != nil {
				at = *op.Step
			}
			seen[place] = at + ": " + shownSteps(op)
		}
		r.update(arn, "web:2", map[string]string{"EXIT_AT_START": "3"})
		r.ends(arn, api.OperationRollbackSucceeded)
		for place, want := range map[string]string{
			"pull saved":       "pull: pull IN_PROGRESS, provision PENDING, route PENDING, retire PENDING",
			"gave up":          "provision: pull SUCCEEDED, provision FAILED, route SKIPPED, retire SKIPPED",
			"provision undone": "undo provision: pull SUCCEEDED, provision FAILED, route SKIPPED, retire SKIPPED",
			"finish saved":     "-: pull SUCCEEDED, provision FAILED, route SKIPPED, retire SKIPPED",
		} {
			if seen[place] != want {
				t.Errorf("at %q it showed\n%s, want\n%s", place, seen[place], want)
			}
		}
		r.at = nil
		r.cancel()
		r.pause(arn) // nobody begins it
		wantSteps(t, r.describe(arn), "drain PENDING, stop PENDING")
	})
}

func shownSteps(op *api.Operation) string {
	var list []string
	for _, s := range op.Steps {
		list = append(list, fmt.Sprint(s.Name, " ", s.Status))
	}
	return strings.Join(list, ", ")
}

func wantSteps(t *testing.T, op *api.Operation, want string) {
	t.Helper()
	if got := shownSteps(op); got != want || op.Step != nil {
		t.Errorf("the steps are %s, at %v; want %s", got, op.Step, want)
	}
}

// TestDelete_AfterACancel is how a service is got rid of whose operation does not end.
func TestDelete_AfterACancel_Wins(t *testing.T) {
	bubble(t, func(r *rig) {
		arn := r.create("web-app", map[string]string{"NEVER_LISTEN": "1"})
		time.Sleep(time.Second)
		_, err := r.control.DeleteService(t.Context(), caller, &api.DeleteServiceRequest{ServiceArn: arn})
		if e, ok := errors.AsType[*api.Error](err); !ok || e.Kind != api.KindInvalidState {
			t.Errorf("DeleteService during a create answers %v", err)
		}
		r.cancels(arn)
		r.ends(arn, api.OperationFailed)
		r.delete(arn)
		r.ends(arn, api.OperationSucceeded)
		r.holds(arn, api.StatusDeleted)
		if status, _ := r.get(arn, "/"); status != http.StatusNotFound {
			t.Errorf("the URL answers %d", status)
		}
	})
}
