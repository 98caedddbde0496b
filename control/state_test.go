package control

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"apron/api"
)

var update = flag.Bool("update", false, "rewrite docs/operations.md")

var everyStatus = append(slices.Clone(present), api.StatusDeleted)

func TestLifecycle_NamesActionsOfTheModel(t *testing.T) {
	for _, r := range lifecycle {
		if _, ok := api.LookupAction(r.action); !ok {
			t.Errorf("the models have no action %s", r.action)
		}
	}
}

func TestActions_AreThoseOfBothModels(t *testing.T) {
	built := (*Control)(nil).Actions()
	for _, a := range append(slices.Clone(api.Actions), api.OwnActions...) {
		if built[a.Name] == nil {
			t.Errorf("%s has no handler", a.Name)
		}
		delete(built, a.Name)
	}
	for name := range built {
		t.Errorf("%s is in no model", name)
	}
}

func TestEnds_AreStatusesThatAServiceRestsIn(t *testing.T) {
	for _, r := range operations() {
		for _, from := range r.from {
			for _, status := range statuses(ends(r.action, from)) {
				if !slices.Contains(everyStatus, status) || status == api.StatusOperationInProgress {
					t.Errorf("%s from %q ends in %q", r.action, from, status)
				}
			}
		}
	}
}

func TestRollsBack_OnlyAnUpdateOfARunningService(t *testing.T) {
	for _, r := range operations() {
		for _, from := range everyStatus {
			want := r.operation == api.OperationUpdateService && from == api.StatusRunning
			if rollsBack(r.operation, from) != want {
				t.Errorf("rollsBack(%s, %s) = %v", r.operation, from, !want)
			}
		}
	}
}

// operations are the rules of the actions that begin one.
func operations() (list []rule) {
	for _, r := range lifecycle {
		if r.operation != "" {
			list = append(list, r)
		}
	}
	return list
}

func TestOperationsPage_IsPrintedFromTheTable(t *testing.T) {
	const path = "../docs/operations.md"
	want := operationsPage()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is stale; run: go test ./control -update", path)
	}
}

func operationsPage() string {
	var b strings.Builder
	b.WriteString("# What each action on a service does in each status\n\nPrinted from `control/state.go` by its test; do not edit.\n\n")
	b.WriteString("`->` begins an operation: the service is OPERATION_IN_PROGRESS until it ends. `no-op` is a 200 without OperationId.\n")
	b.WriteString("`ok` is an action without an operation.\n\n| action | operation |")
	for _, status := range everyStatus {
		fmt.Fprintf(&b, " %s |", status)
	}
	b.WriteString(" after failure |\n|" + strings.Repeat(" --- |", len(everyStatus)+3) + "\n")
	for _, r := range lifecycle {
		fmt.Fprintf(&b, "| %s | %s |", r.action, cmp.Or(string(r.operation), "-"))
		for _, status := range everyStatus {
			fmt.Fprintf(&b, " %s |", cell(r, status))
		}
		fmt.Fprintf(&b, " %s |\n", afterFailure(r))
	}
	return b.String()
}

func cell(r rule, status api.ServiceStatus) string {
	said, err := judge(r.action, api.Service{Status: status})
	switch {
	case said == unneeded:
		return "no-op"
	case said == allowed && r.operation == "":
		return "ok"
	case said == allowed:
		return "-> " + string(r.done)
	}
	return map[api.Kind]string{
		api.KindInvalidState: "InvalidState", api.KindInvalidRequest: "InvalidRequest", api.KindNotFound: "ResourceNotFound",
	}[toldAs(r.action, err.Kind)]
}

// toldAs is the kind that the client gets: what an action does not declare is InvalidRequestException.
func toldAs(action string, kind api.Kind) api.Kind {
	a, _ := api.LookupAction(action)
	if slices.Contains(a.Errors, kind) {
		return kind
	}
	return api.KindInvalidRequest
}

func afterFailure(r rule) string {
	switch {
	case r.operation == "":
		return "-"
	case r.failed != "":
		return string(r.failed) + ", operation FAILED"
	case r.operation == api.OperationUpdateService && slices.Contains(r.from, api.StatusCreateFailed):
		return "RUNNING with the configuration before, operation ROLLBACK_SUCCEEDED; CREATE_FAILED stays, operation FAILED"
	case r.operation == api.OperationUpdateService:
		return "RUNNING with the configuration before, operation ROLLBACK_SUCCEEDED"
	default:
		return "as before, operation FAILED"
	}
}
