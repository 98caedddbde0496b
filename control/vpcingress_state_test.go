package control

import (
	"errors"
	"testing"

	"apron/api"
	"apron/store"
)

var everyIngressStatus = []api.VpcIngressConnectionStatus{
	api.VpcIngressConnectionAvailable, api.VpcIngressConnectionPendingCreation, api.VpcIngressConnectionPendingUpdate,
	api.VpcIngressConnectionPendingDeletion, api.VpcIngressConnectionFailedCreation, api.VpcIngressConnectionFailedUpdate,
	api.VpcIngressConnectionFailedDeletion, api.VpcIngressConnectionDeleted,
}

// TestIngressRules_EveryStatusAndAction holds the rules against the App Runner API reference, section 4.3, written out once
// more: one letter a status, in the order of everyIngressStatus. g go, s InvalidStateException.
func TestIngressRules_EveryStatusAndAction(t *testing.T) {
	tests := map[string]struct {
		rule  ingressRule
		want  string
		begin api.VpcIngressConnectionStatus
	}{
		"update": {updateIngress, "gsssggss", api.VpcIngressConnectionPendingUpdate},
		"delete": {deleteIngress, "gsssgggs", api.VpcIngressConnectionPendingDeletion},
	}
	for name, tt := range tests {
		for i, status := range everyIngressStatus {
			r := store.Resource[api.VpcIngressConnection]{Record: api.VpcIngressConnection{Status: &status}}
			err := tt.rule.enter(&r)
			if got := letterOf(err); got != tt.want[i] {
				t.Errorf("%s in %s: %c, want %c", name, status, got, tt.want[i])
			}
			if begun := err == nil; begun != r.Moving || begun && *r.Record.Status != tt.begin || !begun && *r.Record.Status != status {
				t.Errorf("%s in %s: then %s, moving %t", name, status, *r.Record.Status, r.Moving)
			}
		}
	}
}

func letterOf(err error) byte {
	if err == nil {
		return 'g'
	}
	if e, ok := errors.AsType[*api.Error](err); ok && e.Kind == api.KindInvalidState {
		return 's'
	}
	return '?'
}
