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
			if got := ingressLetter(err); got != tt.want[i] {
				t.Errorf("%s in %s: %c, want %c", name, status, got, tt.want[i])
			}
			if begun := err == nil; begun != r.Moving || begun && *r.Record.Status != tt.begin || !begun && *r.Record.Status != status {
				t.Errorf("%s in %s: then %s, moving %t", name, status, *r.Record.Status, r.Moving)
			}
		}
	}
}

func ingressLetter(err error) byte {
	if err == nil {
		return 'g'
	}
	e, _ := errors.AsType[*api.Error](err)
	return map[api.Kind]byte{api.KindInvalidState: 's', api.KindNotFound: 'f'}[e.Kind]
}

// TestMayHaveIngress_EveryStatusOfAService has a letter for each status of a private service and for each of a public one. f is
// ResourceNotFoundException, which the action turns into one that it declares.
func TestMayHaveIngress_EveryStatusOfAService(t *testing.T) {
	services := []api.ServiceStatus{
		api.StatusRunning, api.StatusPaused, api.StatusOperationInProgress,
		api.StatusCreateFailed, api.StatusDeleteFailed, api.StatusDeleted,
	}
	for public, want := range map[bool]string{false: "gssssf", true: "sssssf"} {
		for i, status := range services {
			s := api.Service{Status: status, NetworkConfiguration: &api.NetworkConfiguration{
				IngressConfiguration: &api.IngressConfiguration{IsPubliclyAccessible: &public},
			}}
			if got := ingressLetter(mayHaveIngress(&s)); got != want[i] {
				t.Errorf("%s, public %t: %c, want %c", status, public, got, want[i])
			}
		}
	}
}
