package control_test

import (
	"errors"
	"strings"
	"testing"

	"apron/api"
	"apron/store"
)

// deploying makes a service with a deployment under way and returns the deployment's id.
func (w *world) deploying(t *testing.T, name string) (s api.Service, id string) {
	t.Helper()
	s = w.create(t, name)
	out, err := w.StartDeployment(t.Context(), caller, &api.StartDeploymentRequest{ServiceArn: s.ServiceArn})
	if err != nil {
		t.Fatal(err)
	}
	return s, out.OperationId
}

func (w *world) cancel(t *testing.T, arn string, id *string) (*api.CancelOperationResponse, error) {
	t.Helper()
	return w.CancelOperation(t.Context(), caller, &api.CancelOperationRequest{ServiceArn: arn, OperationId: id})
}

func TestCancel_SaysWhoseRequestItWasAndKeepsTheFirst(t *testing.T) {
	w := newWorld(t)
	s, id := w.deploying(t, "web-app")
	first := caller
	first.AccessKeyID, first.RequestID = "AKIAFIRST", "request-1"
	if _, err := w.CancelOperation(t.Context(), first, &api.CancelOperationRequest{ServiceArn: s.ServiceArn, OperationId: &id}); err != nil {
		t.Fatal(err)
	}
	for _, again := range []*string{nil, &id} {
		if out, err := w.cancel(t, s.ServiceArn, again); err != nil || out.OperationId != id {
			t.Errorf("asked again: %+v, %v; want the same answer", out, err)
		}
	}
	w.change(t, func(tx *store.Tx) error {
		by, err := tx.Cancellation(id)
		if by.AccessKeyID != "AKIAFIRST" || by.RequestID != "request-1" || by.At.IsZero() {
			t.Errorf("cancelled by %+v", by)
		}
		return err
	})
}

// TestCancel_AskedAgainAfterTheEnd is what a client does whose first answer was lost.
func TestCancel_AskedAgainAfterTheEnd_GetsTheSameAnswer(t *testing.T) {
	w := newWorld(t)
	s, id := w.deploying(t, "web-app")
	if _, err := w.cancel(t, s.ServiceArn, &id); err != nil {
		t.Fatal(err)
	}
	w.finish(t, s.ServiceArn, false)
	if out, err := w.cancel(t, s.ServiceArn, &id); err != nil || out.OperationId != id || out.Service.Status != api.StatusRunning {
		t.Errorf("got %+v, %v", out, err)
	}
	_, err := w.cancel(t, s.ServiceArn, nil)
	wantKind(t, err, api.KindInvalidState, "has no operation to cancel")
}

func TestCancel_OfAnOperationThatCannotBe_SaysWhy(t *testing.T) {
	w := newWorld(t)
	s, id := w.deploying(t, "web-app")
	other, foreign := w.deploying(t, "other")

	_, err := w.cancel(t, s.ServiceArn, new(w.first(s.ServiceArn)))
	wantKind(t, err, api.KindInvalidState, "has ended as PENDING. Operation "+id+" is under way") // the world's own end leaves PENDING
	_, err = w.cancel(t, s.ServiceArn, &foreign)
	wantKind(t, err, api.KindNotFound, "Service web-app has no operation "+foreign)

	w.change(t, func(tx *store.Tx) error {
		op, err := tx.Operation(id)
		op.Failure = "Health check failed."
		return errors.Join(err, tx.PutOperation(op))
	})
	_, err = w.cancel(t, s.ServiceArn, nil)
	wantKind(t, err, api.KindInvalidState, "has failed and is being undone already")

	w.finish(t, other.ServiceArn, true)
	if _, err := w.DeleteService(t.Context(), caller, &api.DeleteServiceRequest{ServiceArn: other.ServiceArn}); err != nil {
		t.Fatal(err)
	}
	_, err = w.cancel(t, other.ServiceArn, nil)
	wantKind(t, err, api.KindInvalidState, "is being deleted, which nothing can cancel")
	if len(w.interrupted) != 0 {
		t.Errorf("interrupted are %v", w.interrupted)
	}
}

func TestOwnActions_KeepAccountsAndRegionsApart(t *testing.T) {
	w := newWorld(t)
	s, id := w.deploying(t, "web-app")
	stranger := caller
	stranger.Account = "999999999999"
	elsewhere := caller
	elsewhere.Region = "eu-west-1"
	for _, other := range []api.Caller{stranger, elsewhere} {
		_, cancel := w.CancelOperation(t.Context(), other, &api.CancelOperationRequest{ServiceArn: s.ServiceArn})
		_, describe := w.DescribeOperation(t.Context(), other, &api.DescribeOperationRequest{ServiceArn: s.ServiceArn, OperationId: id})
		_, list := w.ListDeployments(t.Context(), other, &api.ListDeploymentsRequest{ServiceArn: s.ServiceArn})
		_, rollback := w.RollbackService(t.Context(), other, &api.RollbackServiceRequest{ServiceArn: s.ServiceArn})
		_, log := w.ListLogEvents(t.Context(), other, &api.ListLogEventsRequest{ServiceArn: s.ServiceArn, Stream: api.LogStreamEvents})
		_, usage := w.DescribeServiceUsage(t.Context(), other, &api.DescribeServiceUsageRequest{ServiceArn: s.ServiceArn})
		_, webhook := w.GetWebhook(t.Context(), other, &api.GetWebhookRequest{ServiceArn: s.ServiceArn})
		for name, err := range map[string]error{
			"webhook": webhook, "cancel": cancel, "describe": describe, "list": list, "rollback": rollback, "log": log, "usage": usage,
		} {
			if e, ok := errors.AsType[*api.Error](err); !ok || e.Kind != api.KindInvalidRequest {
				t.Errorf("%s by %s in %s: %v", name, other.Account, other.Region, err)
			}
		}
	}
}

func TestDescribeOperation_TellsAllThatIsKnown(t *testing.T) {
	w := newWorld(t)
	s, id := w.deploying(t, "web-app")
	describe := func() *api.Operation {
		out, err := w.DescribeOperation(t.Context(), caller, &api.DescribeOperationRequest{ServiceArn: s.ServiceArn, OperationId: id})
		if err != nil {
			t.Fatal(err)
		}
		return out.Operation
	}
	op := describe()
	if op.Id != id || op.Type != api.OperationStartDeployment || op.Status != api.OperationPending || op.TargetArn != s.ServiceArn ||
		op.StartedAt.IsZero() || op.EndedAt != nil || op.Step != nil || op.Reason != nil || op.CancelRequested {
		t.Errorf("the operation is %+v", op)
	}
	if _, err := w.cancel(t, s.ServiceArn, nil); err != nil {
		t.Fatal(err)
	}
	w.change(t, func(tx *store.Tx) error {
		op, err := tx.Operation(id)
		op.Failure = "The operation was cancelled."
		return errors.Join(err, tx.PutOperation(op))
	})
	w.finish(t, s.ServiceArn, false)
	if op := describe(); op.EndedAt == nil || *op.Reason != "The operation was cancelled." || !op.CancelRequested {
		t.Errorf("in the end the operation is %+v", op)
	}
	_, err := w.DescribeOperation(t.Context(), caller, &api.DescribeOperationRequest{ServiceArn: s.ServiceArn, OperationId: strings.Repeat("0", 32)})
	wantKind(t, err, api.KindNotFound, "Service web-app has no operation 0")
}
