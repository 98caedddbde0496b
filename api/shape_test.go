package api

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"testing"
)

// everyAction is App Runner's and apron's own.
var everyAction = append(slices.Clone(Actions), OwnActions...)

func everyStructure() map[reflect.Type]*shape {
	all := maps.Clone(structures())
	maps.Copy(all, ownStructures())
	return all
}

// allShapes is every shape that a structure reaches.
func allShapes() map[string]*shape {
	all := map[string]*shape{}
	var visit func(*shape)
	visit = func(s *shape) {
		if s == nil || all[s.name] != nil {
			return
		}
		all[s.name] = s
		visit(s.key)
		visit(s.elem)
		for _, m := range s.members {
			visit(m.shape)
		}
	}
	for _, s := range everyStructure() {
		visit(s)
	}
	return all
}

func TestStructuresHaveAFieldPerMember(t *testing.T) {
	for typ, s := range everyStructure() {
		if typ.NumField() != len(s.members) {
			t.Fatalf("%s has %d fields and %d members", typ, typ.NumField(), len(s.members))
		}
		for i, m := range s.members {
			if typ.Field(i).Name != m.name {
				t.Errorf("%s: field %d is %s, member %s", typ, i, typ.Field(i).Name, m.name)
			}
		}
	}
}

func TestActionsAreTheThirtySevenOfTheModel(t *testing.T) {
	if len(Actions) != 37 {
		t.Errorf("there are %d actions", len(Actions))
	}
	a, ok := LookupAction("StartDeployment")
	if !ok || a.Input != reflect.TypeFor[StartDeploymentRequest]() || a.Output != reflect.TypeFor[StartDeploymentResponse]() {
		t.Errorf("LookupAction(StartDeployment) = %+v, %t", a, ok)
	}
	want := []Kind{KindInvalidRequest, KindNotFound, KindInternal} // no KindInvalidState: the reference, section 1
	if !reflect.DeepEqual(a.Errors, want) {
		t.Errorf("StartDeployment declares %v, want %v", a.Errors, want)
	}
	if _, ok := LookupAction("startDeployment"); ok {
		t.Error("an action was found under another casing")
	}
}

func TestLookupTarget_TellsTheAPIsApart(t *testing.T) {
	for target, want := range map[string]string{
		"AppRunner.PauseService":    "PauseService",
		"Apron.CancelOperation":     "CancelOperation",
		"Apron.PauseService":        "",
		"AppRunner.CancelOperation": "",
		"PauseService":              "",
		"Apron.":                    "",
		"":                          "",
	} {
		a, ok := LookupTarget(target)
		if ok != (want != "") || ok && a.Name != want {
			t.Errorf("LookupTarget(%q) = %s, %t; want %q", target, a.Name, ok, want)
		}
	}
}

func TestReadOnly_OwnActionsToo(t *testing.T) {
	for _, a := range OwnActions {
		if want := !slices.Contains([]string{"CancelOperation", "CollectGarbage", "GetWebhook", "PullRuntime", "RollbackService"}, a.Name); a.ReadOnly() != want {
			t.Errorf("%s: ReadOnly = %t", a.Name, !want)
		}
	}
}

func TestWireCasingOfEnums(t *testing.T) {
	for got, want := range map[string]string{
		string(AutoScalingConfigurationActive):              "active",
		string(CustomDomainPendingCertificateDNSValidation): "pending_certificate_dns_validation",
		string(ObservabilityConfigurationActive):            "ACTIVE",
		string(VpcConnectorInactive):                        "INACTIVE",
		string(StatusOperationInProgress):                   "OPERATION_IN_PROGRESS",
		string(OperationPauseService):                       "PAUSE_SERVICE",
	} {
		if got != want {
			t.Errorf("got %s on the wire, want %s", got, want)
		}
	}
}

func TestEncodingKeepsRequiredListsAndDropsAbsentMembers(t *testing.T) {
	tests := map[string]struct {
		in   any
		want string
	}{
		"required list, nil":             {ListServicesResponse{}, `{"ServiceSummaryList":[]}`},
		"required list behind a pointer": {&ListServicesResponse{NextToken: new("t")}, `{"ServiceSummaryList":[],"NextToken":"t"}`},
		"optional list, nil":             {ListTagsForResourceResponse{}, `{}`},
		"optional list, empty":           {ListTagsForResourceResponse{Tags: []Tag{}}, `{"Tags":[]}`},
		"false is not absent":            {IngressConfiguration{IsPubliclyAccessible: new(false)}, `{"IsPubliclyAccessible":false}`},
		"required false":                 {ServiceObservabilityConfiguration{}, `{"ObservabilityEnabled":false}`},
		"no members":                     {TagResourceResponse{}, `{}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := json.Marshal(tt.in)
			if err != nil || string(got) != tt.want {
				t.Errorf("got %s, %v; want %s", got, err, tt.want)
			}
		})
	}
}
