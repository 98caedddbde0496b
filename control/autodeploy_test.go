package control_test

import (
	"testing"

	"apron/api"
	"apron/control"
	"apron/store"
)

func TestAutoDeploy_IsAStartDeploymentWithItsCause(t *testing.T) {
	w := newWorld(t)
	arn := w.create(t, "web-app").ServiceArn
	cause := control.Cause{Trigger: "PUSH", Version: "abc"}
	id, err := w.AutoDeploy(t.Context(), arn, cause)
	if err != nil {
		t.Fatal(err)
	}
	var op store.Operation
	if err := w.store.View(t.Context(), func(tx *store.Tx) (err error) {
		op, err = tx.Operation(id)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if op.Type() != api.OperationStartDeployment || op.Cause == nil || *op.Cause != cause || op.Target == nil {
		t.Errorf("the operation is %+v, want a START_DEPLOYMENT with its cause", op)
	}
	if len(w.woken) != 2 || w.woken[1] != arn {
		t.Errorf("woken for %v, want the service", w.woken)
	}
	_, err = w.AutoDeploy(t.Context(), arn, cause)
	wantKind(t, err, api.KindInvalidState, "isn't in RUNNING state")
}
