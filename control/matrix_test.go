package control_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"apron/api"
	"apron/control"
	"apron/store"
)

var everyStatus = []api.ServiceStatus{
	api.StatusRunning, api.StatusPaused, api.StatusOperationInProgress,
	api.StatusCreateFailed, api.StatusDeleteFailed, api.StatusDeleted,
}

// preconditions is the table of the App Runner API reference, section 4.2, in the order of everyStatus, its question marks
// decided as docs/divergences.md says. ->A/B begins an operation that ends in A, or in B when it fails; noop is a 200 without
// OperationId, ok one of an action that has no operation, cancels one that has the id of the operation under way; IS, IR and NF are InvalidStateException, InvalidRequestException
// and ResourceNotFoundException. CreateService is told of the status of the service that holds the name.
const preconditions = `
CreateService            IR                       IR                        IR IR                         IR                        ->RUNNING/CREATE_FAILED
PauseService             ->PAUSED/RUNNING         noop                      IS IS                         IS                        NF
ResumeService            noop                     ->RUNNING/PAUSED          IS IS                         IS                        NF
StartDeployment          ->RUNNING/RUNNING        IR                        IR IR                         IR                        NF
UpdateService            ->RUNNING/RUNNING        IS                        IS ->RUNNING/CREATE_FAILED    IS                        NF
DeleteService            ->DELETED/DELETE_FAILED  ->DELETED/DELETE_FAILED   IS ->DELETED/DELETE_FAILED    ->DELETED/DELETE_FAILED   NF
AssociateCustomDomain    ok                       IS                        IS IS                         IS                        IR
DisassociateCustomDomain ok                       IS                        IS IS                         IS                        NF
DescribeCustomDomains    ok                       ok                        ok ok                         ok                        NF
CreateVpcIngressConnection ok                     IS                        IS IS                         IS                        IR
TagResource              ok                       ok                        ok ok                         ok                        NF
UntagResource            ok                       ok                        ok ok                         ok                        NF
ListTagsForResource      ok                       ok                        ok ok                         ok                        NF
DescribeService          ok                       ok                        ok ok                         ok                        ok
ListOperations           ok                       ok                        ok ok                         ok                        ok
RollbackService          ->RUNNING/RUNNING        IS                        IS IS                         IS                        NF
CancelOperation          IS                       IS                        cancels IS                    IS                        NF
DescribeOperation        ok                       ok                        ok ok                         ok                        ok
ListLogEvents            ok                       ok                        ok ok                         ok                        ok
ListDeployments          ok                       ok                        ok ok                         ok                        NF
DescribeServiceUsage     ok                       ok                        ok ok                         ok                        NF
GetWebhook               ok                       ok                        ok ok                         ok                        NF`

// calls are the actions as a client makes them on a service that rest has made.
var calls = map[string]func(context.Context, *world, api.Service) (any, error){
	"CreateService": func(ctx context.Context, w *world, s api.Service) (any, error) {
		return w.CreateService(ctx, caller, createRequest(s.ServiceName))
	},
	"PauseService": func(ctx context.Context, w *world, s api.Service) (any, error) {
		return w.PauseService(ctx, caller, &api.PauseServiceRequest{ServiceArn: s.ServiceArn})
	},
	"ResumeService": func(ctx context.Context, w *world, s api.Service) (any, error) {
		return w.ResumeService(ctx, caller, &api.ResumeServiceRequest{ServiceArn: s.ServiceArn})
	},
	"StartDeployment": func(ctx context.Context, w *world, s api.Service) (any, error) {
		return w.StartDeployment(ctx, caller, &api.StartDeploymentRequest{ServiceArn: s.ServiceArn})
	},
	"UpdateService": func(ctx context.Context, w *world, s api.Service) (any, error) {
		return w.UpdateService(ctx, caller, &api.UpdateServiceRequest{ServiceArn: s.ServiceArn})
	},
	"DeleteService": func(ctx context.Context, w *world, s api.Service) (any, error) {
		return w.DeleteService(ctx, caller, &api.DeleteServiceRequest{ServiceArn: s.ServiceArn})
	},
	"AssociateCustomDomain": func(ctx context.Context, w *world, s api.Service) (any, error) {
		return w.AssociateCustomDomain(ctx, caller, &api.AssociateCustomDomainRequest{ServiceArn: s.ServiceArn, DomainName: s.ServiceName + ".example.org"})
	},
	"DisassociateCustomDomain": func(ctx context.Context, w *world, s api.Service) (any, error) {
		return w.DisassociateCustomDomain(ctx, caller, &api.DisassociateCustomDomainRequest{ServiceArn: s.ServiceArn, DomainName: s.ServiceName + ".example.com"})
	},
	"DescribeCustomDomains": func(ctx context.Context, w *world, s api.Service) (any, error) {
		return w.DescribeCustomDomains(ctx, caller, &api.DescribeCustomDomainsRequest{ServiceArn: s.ServiceArn})
	},
	"CreateVpcIngressConnection": func(ctx context.Context, w *world, s api.Service) (any, error) {
		return w.CreateVpcIngressConnection(ctx, caller, ingressRequest(s.ServiceArn, s.ServiceName))
	},
	"TagResource": func(ctx context.Context, w *world, s api.Service) (any, error) {
		return w.TagResource(ctx, caller, &api.TagResourceRequest{ResourceArn: s.ServiceArn, Tags: []api.Tag{{Key: new("b"), Value: new("2")}}})
	},
	"UntagResource": func(ctx context.Context, w *world, s api.Service) (any, error) {
		return w.UntagResource(ctx, caller, &api.UntagResourceRequest{ResourceArn: s.ServiceArn, TagKeys: []string{"a"}})
	},
	"ListTagsForResource": func(ctx context.Context, w *world, s api.Service) (any, error) {
		return w.ListTagsForResource(ctx, caller, &api.ListTagsForResourceRequest{ResourceArn: s.ServiceArn})
	},
	"DescribeService": func(ctx context.Context, w *world, s api.Service) (any, error) {
		return w.DescribeService(ctx, caller, &api.DescribeServiceRequest{ServiceArn: s.ServiceArn})
	},
	"ListOperations": func(ctx context.Context, w *world, s api.Service) (any, error) {
		return w.ListOperations(ctx, caller, &api.ListOperationsRequest{ServiceArn: s.ServiceArn})
	},
	"RollbackService": func(ctx context.Context, w *world, s api.Service) (any, error) {
		return w.RollbackService(ctx, caller, &api.RollbackServiceRequest{ServiceArn: s.ServiceArn, OperationId: new(w.first(s.ServiceArn))})
	},
	"CancelOperation": func(ctx context.Context, w *world, s api.Service) (any, error) {
		return w.CancelOperation(ctx, caller, &api.CancelOperationRequest{ServiceArn: s.ServiceArn})
	},
	"DescribeOperation": func(ctx context.Context, w *world, s api.Service) (any, error) {
		return w.DescribeOperation(ctx, caller, &api.DescribeOperationRequest{ServiceArn: s.ServiceArn, OperationId: w.first(s.ServiceArn)})
	},
	"ListDeployments": func(ctx context.Context, w *world, s api.Service) (any, error) {
		return w.ListDeployments(ctx, caller, &api.ListDeploymentsRequest{ServiceArn: s.ServiceArn})
	},
	"ListLogEvents": func(ctx context.Context, w *world, s api.Service) (any, error) {
		return w.ListLogEvents(ctx, caller, &api.ListLogEventsRequest{ServiceArn: s.ServiceArn, Stream: api.LogStreamDeployment})
	},
	"GetWebhook": func(ctx context.Context, w *world, s api.Service) (any, error) {
		return w.GetWebhook(ctx, caller, &api.GetWebhookRequest{ServiceArn: s.ServiceArn})
	},
	"DescribeServiceUsage": func(ctx context.Context, w *world, s api.Service) (any, error) {
		return w.DescribeServiceUsage(ctx, caller, &api.DescribeServiceUsageRequest{ServiceArn: s.ServiceArn})
	},
}

// first is the id of the operation that created the service.
func (w *world) first(arn string) (id string) {
	w.store.View(context.Background(), func(tx *store.Tx) error {
		rows, err := tx.Operations(arn, 0, -1)
		id = rows[len(rows)-1].Record.ID()
		return err
	})
	return id
}

func TestEveryActionInEveryStatus_AnswersAsTheReferenceSays(t *testing.T) {
	for line := range strings.Lines(strings.TrimPrefix(preconditions, "\n")) {
		fields := strings.Fields(line)
		action, cells := fields[0], fields[1:]
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			for i, status := range everyStatus {
				t.Run("in "+string(status), func(t *testing.T) {
					outcome, ends, _ := strings.Cut(cells[i], "->")
					outcomes[outcome](t, pair{w, action, status, ends})
				})
			}
		})
	}
}

func TestPreconditions_AreTestedForEveryActionThatLifecycleKnows(t *testing.T) {
	for _, action := range control.LifecycleActions() {
		if calls[action] == nil || !strings.Contains(preconditions, "\n"+action+" ") {
			t.Errorf("%s is not in the table or has no call", action)
		}
	}
}

func TestEveryAction_OnAServiceDeletedAnHourAgo_FindsNothing(t *testing.T) {
	w := newWorld(t)
	s := w.rest(t, api.StatusDeleted)
	w.change(t, func(tx *store.Tx) error {
		svc, err := tx.Service(s.ServiceArn)
		svc.Service.DeletedAt = new(api.At(time.Now().Add(-time.Hour - time.Minute)))
		return errors.Join(err, tx.PutService(svc))
	})
	for action, call := range calls {
		if action == "CreateService" {
			continue // it does not ask for this one
		}
		_, err := call(t.Context(), w, s)
		wantKind(t, err, api.KindNotFound, "No service with the ARN "+s.ServiceArn)
	}
}

// pair is one action on services of one status.
type pair struct {
	w      *world
	action string
	status api.ServiceStatus
	ends   string // the statuses that the operation ends in: A/B, by success and by failure
}

// outcomes check what the cells of preconditions say. A cell that begins with -> is the empty one.
var outcomes = map[string]func(*testing.T, pair){
	"":     beginsAnOperation,
	"noop": changesNothing,
	"ok":   leavesTheServiceAlone,

	"cancels": cancelsTheOperation,

	"IS": func(t *testing.T, p pair) { isRefused(t, p, api.KindInvalidState) },
	"IR": func(t *testing.T, p pair) { isRefused(t, p, api.KindInvalidRequest) },
	"NF": func(t *testing.T, p pair) { isRefused(t, p, api.KindNotFound) },
}

// operationTypes are what the actions that begin an operation record.
var operationTypes = map[string]api.OperationType{
	"CreateService": api.OperationCreateService, "UpdateService": api.OperationUpdateService,
	"StartDeployment": api.OperationStartDeployment, "PauseService": api.OperationPauseService,
	"ResumeService": api.OperationResumeService, "DeleteService": api.OperationDeleteService,
	"RollbackService": api.OperationUpdateService,
}

// reply is what the answers of the actions that begin operations have in common; StartDeployment's has no service.
type reply struct {
	Service     *struct{ ServiceArn, Status string }
	OperationId *string
}

func (p pair) call(t *testing.T, s api.Service) (r reply, err error) {
	t.Helper()
	answer, err := calls[p.action](t.Context(), p.w, s)
	text, broken := json.Marshal(answer)
	if err := errors.Join(broken, json.Unmarshal(text, &r)); err != nil {
		t.Fatal(err)
	}
	return r, err
}

func beginsAnOperation(t *testing.T, p pair) {
	done, failed, _ := strings.Cut(p.ends, "/")
	for end, success := range map[string]bool{done + " by success": true, failed + " by failure": false} {
		s := p.w.rest(t, p.status)
		woken := len(p.w.woken)
		r, err := p.call(t, s)
		if err != nil || r.OperationId == nil {
			t.Fatalf("answer %+v, %v; want an operation", r, err)
		}
		if r.Service != nil {
			s.ServiceArn = r.Service.ServiceArn // CreateService makes another one
		}
		if len(p.w.woken) != woken+1 || p.w.woken[woken] != s.ServiceArn {
			t.Errorf("woken for %v, want once for the service", p.w.woken[woken:])
		}
		p.wantPending(t, s.ServiceArn, *r.OperationId)
		p.w.finish(t, s.ServiceArn, success)
		if got := p.w.stored(t, s.ServiceArn).Status; string(got) != strings.Fields(end)[0] {
			t.Errorf("the operation ends in %s, want %s", got, end)
		}
	}
}

// wantPending wants the operation first in the list, as one that has not begun, and the service to wait for it.
func (p pair) wantPending(t *testing.T, arn, id string) {
	t.Helper()
	if got := p.w.stored(t, arn).Status; got != api.StatusOperationInProgress {
		t.Errorf("the service is %s when it is answered, want OPERATION_IN_PROGRESS", got)
	}
	out, err := p.w.ListOperations(t.Context(), caller, &api.ListOperationsRequest{ServiceArn: arn})
	if err != nil {
		t.Fatal(err)
	}
	op := out.OperationSummaryList[0]
	if *op.Id != id || *op.Type != operationTypes[p.action] || *op.Status != api.OperationPending || *op.TargetArn != arn ||
		op.StartedAt == nil || !op.UpdatedAt.Equal(op.StartedAt.Time) || op.EndedAt != nil {
		t.Errorf("the newest operation is %+v, want %s as a pending %s", op, id, operationTypes[p.action])
	}
}

func changesNothing(t *testing.T, p pair) {
	s := p.w.rest(t, p.status)
	before := p.w.trace(t, s.ServiceArn)
	r, err := p.call(t, s)
	if err != nil || r.OperationId != nil || r.Service.Status != string(p.status) {
		t.Errorf("answer %+v, %v; want %s without OperationId", r, err, p.status)
	}
	if after := p.w.trace(t, s.ServiceArn); after != before {
		t.Errorf("the store has\n%s, had\n%s", after, before)
	}
}

func leavesTheServiceAlone(t *testing.T, p pair) {
	s := p.w.rest(t, p.status)
	service, operations, woken := p.w.stored(t, s.ServiceArn), p.w.operations(t, s.ServiceArn), len(p.w.woken)
	if r, err := p.call(t, s); err != nil || r.OperationId != nil {
		t.Errorf("answer %+v, %v; want one without OperationId", r, err)
	}
	if got := p.w.stored(t, s.ServiceArn); fmt.Sprint(got.Status, got.UpdatedAt) != fmt.Sprint(service.Status, service.UpdatedAt) {
		t.Errorf("the service is %s, updated at %v; was %s, %v", got.Status, got.UpdatedAt, service.Status, service.UpdatedAt)
	}
	if got := p.w.operations(t, s.ServiceArn); got != operations || len(p.w.woken) != woken {
		t.Errorf("operations are\n%s, were\n%s", got, operations)
	}
}

// cancelsTheOperation and leaves everything else to whoever runs it, who is told.
func cancelsTheOperation(t *testing.T, p pair) {
	s := p.w.rest(t, p.status)
	before := p.w.trace(t, s.ServiceArn)
	r, err := p.call(t, s)
	if err != nil || r.OperationId == nil || r.Service.Status != string(p.status) {
		t.Fatalf("answer %+v, %v; want the operation under way", r, err)
	}
	if len(p.w.interrupted) != 1 || p.w.interrupted[0] != *r.OperationId {
		t.Errorf("interrupted are %v, want %s", p.w.interrupted, *r.OperationId)
	}
	p.w.change(t, func(tx *store.Tx) error {
		open, err := tx.OpenOperation(s.ServiceArn)
		if err != nil || open.ID() != *r.OperationId {
			t.Errorf("the operation under way is %v, %v; answered was %s", open, err, *r.OperationId)
		}
		_, err = tx.Cancellation(*r.OperationId)
		return err
	})
	if after := p.w.trace(t, s.ServiceArn); after != before {
		t.Errorf("the store has\n%s, had\n%s", after, before)
	}
}

// refusals are the texts that App Runner is known to have.
var refusals = map[string]string{
	"CreateService":   "Service with the provided name already exists: %s.",
	"StartDeployment": "Can't start a deployment on the specified service, because it isn't in RUNNING state.",
}

func isRefused(t *testing.T, p pair, kind api.Kind) {
	s := p.w.rest(t, p.status)
	before := p.w.trace(t, s.ServiceArn)
	_, err := p.call(t, s)
	e, ok := errors.AsType[*api.Error](err)
	if !ok {
		t.Fatalf("error = %v, want a refusal", err)
	}
	want := "its status is " + string(p.status)
	if text, known := refusals[p.action]; known {
		want = strings.ReplaceAll(text, "%s", s.ServiceName)
	}
	if p.status == api.StatusDeleted {
		want = s.ServiceArn + " is deleted"
	}
	if control.ToldAs(p.action, e.Kind) != kind || !strings.Contains(e.Message, want) {
		t.Errorf("refused with kind %d, %q; want kind %d and %q", e.Kind, e.Message, kind, want)
	}
	if after := p.w.trace(t, s.ServiceArn); after != before {
		t.Errorf("the store has\n%s, had\n%s", after, before)
	}
}

// rest makes a private service of the status with a tag and a domain, and a deployment under way where something has to be.
func (w *world) rest(t *testing.T, status api.ServiceStatus) api.Service {
	t.Helper()
	s := w.create(t, "s-"+strings.ToLower(api.NewID()[:12]))
	if status == api.StatusOperationInProgress {
		if _, err := w.StartDeployment(t.Context(), caller, &api.StartDeploymentRequest{ServiceArn: s.ServiceArn}); err != nil {
			t.Fatal(err)
		}
	}
	w.change(t, func(tx *store.Tx) error {
		svc, err := tx.Service(s.ServiceArn)
		svc.Service.Status = status
		svc.Service.NetworkConfiguration.IngressConfiguration.IsPubliclyAccessible = new(false)
		if status == api.StatusDeleted {
			svc.Service.DeletedAt = new(api.At(time.Now()))
		}
		domain := api.CustomDomain{DomainName: s.ServiceName + ".example.com", Status: api.CustomDomainPendingCertificateDNSValidation}
		return errors.Join(err, tx.PutService(svc), tx.PutTag(s.ServiceArn, "a", "1"),
			tx.PutDomain(store.Domain{Service: s.ServiceArn, Domain: domain}))
	})
	return s
}

func (w *world) change(t *testing.T, f func(*store.Tx) error) {
	t.Helper()
	if err := w.store.Update(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

func (w *world) stored(t *testing.T, arn string) api.Service {
	t.Helper()
	var svc store.Service
	w.change(t, func(tx *store.Tx) (err error) {
		svc, err = tx.Service(arn)
		return err
	})
	return svc.Service
}

func (w *world) operations(t *testing.T, arn string) string {
	t.Helper()
	var list []store.Row[store.Operation]
	w.change(t, func(tx *store.Tx) (err error) {
		list, err = tx.Operations(arn, 0, -1)
		return err
	})
	return printed(t, list)
}

// trace is all that the store has of the service, how many services there are, and who was told to work.
func (w *world) trace(t *testing.T, arn string) string {
	t.Helper()
	found := map[string]any{"operations": w.operations(t, arn), "woken": len(w.woken), "settle": w.settle}
	w.change(t, func(tx *store.Tx) error {
		var errs [4]error
		found["service"], errs[0] = tx.Service(arn)
		found["tags"], errs[1] = tx.Tags(arn)
		found["domains"], errs[2] = tx.Domains(arn, 0, -1)
		found["services"], errs[3] = tx.CountServices(caller.Account, caller.Region)
		return errors.Join(errs[:]...)
	})
	return printed(t, found)
}

func printed(t *testing.T, value any) string {
	t.Helper()
	text, err := json.MarshalIndent(value, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
