package control

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"apron/api"
)

var update = flag.Bool("update", false, "rewrite docs/operations.md")

var (
	everyStatus = []api.ServiceStatus{
		api.StatusRunning, api.StatusPaused, api.StatusOperationInProgress,
		api.StatusCreateFailed, api.StatusDeleteFailed, api.StatusDeleted,
	}
	everyOperation = []api.OperationType{
		api.OperationCreateService, api.OperationUpdateService, api.OperationStartDeployment,
		api.OperationPauseService, api.OperationResumeService, api.OperationDeleteService,
	}
)

// TestJudge_EveryStatusAndOperation holds lifecycle against the table of the App Runner API reference, 4.2, written out
// once more: one letter a status, in the order of everyStatus.
// g go, n no-op, s InvalidStateException, r InvalidRequestException, f ResourceNotFoundException.
func TestJudge_EveryStatusAndOperation(t *testing.T) {
	want := map[api.OperationType]string{
		api.OperationCreateService:   "rrrrrg", // status of the service that holds the name
		api.OperationUpdateService:   "gssgsf",
		api.OperationStartDeployment: "grrrrf",
		api.OperationPauseService:    "gnsssf",
		api.OperationResumeService:   "ngsssf",
		api.OperationDeleteService:   "ggsggf",
	}
	for _, op := range everyOperation {
		for i, status := range everyStatus {
			said, err := judge(op, api.Service{ServiceName: "web-app", Status: status})
			if got := letter(said, err); got != want[op][i] {
				t.Errorf("%s in %s: %c, want %c", op, status, got, want[op][i])
			}
		}
	}
}

func letter(said verdict, err *api.Error) byte {
	if said == allowed {
		return 'g'
	}
	if said == unneeded {
		return 'n'
	}
	return map[api.Kind]byte{api.KindInvalidState: 's', api.KindInvalidRequest: 'r', api.KindNotFound: 'f'}[err.Kind]
}

func TestEnds_AreStatusesThatAServiceRestsIn(t *testing.T) {
	for _, op := range everyOperation {
		for _, from := range lifecycle[op].from {
			for _, status := range statuses(ends(op, from)) {
				if !slices.Contains(everyStatus, status) || status == api.StatusOperationInProgress {
					t.Errorf("%s from %q ends in %q", op, from, status)
				}
			}
		}
	}
}

func TestRollsBack_OnlyAnUpdateOfARunningService(t *testing.T) {
	for _, op := range everyOperation {
		for _, from := range everyStatus {
			want := op == api.OperationUpdateService && from == api.StatusRunning
			if rollsBack(op, from) != want {
				t.Errorf("rollsBack(%s, %s) = %v", op, from, !want)
			}
		}
	}
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
	b.WriteString("# What each operation does in each status\n\nPrinted from `control/state.go` by its test; do not edit.\n\n")
	b.WriteString("`->` begins the operation: the service is OPERATION_IN_PROGRESS until it ends. `no-op` is a 200 without OperationId.\n\n")
	b.WriteString("| operation |")
	for _, status := range everyStatus {
		fmt.Fprintf(&b, " %s |", status)
	}
	b.WriteString(" after failure |\n|" + strings.Repeat(" --- |", len(everyStatus)+2) + "\n")
	for _, op := range everyOperation {
		fmt.Fprintf(&b, "| %s |", op)
		for _, status := range everyStatus {
			fmt.Fprintf(&b, " %s |", cell(op, status))
		}
		fmt.Fprintf(&b, " %s |\n", afterFailure(op))
	}
	return b.String()
}

func cell(op api.OperationType, status api.ServiceStatus) string {
	said, err := judge(op, api.Service{Status: status})
	switch said {
	case allowed:
		done, _ := ends(op, status)
		return "-> " + string(done)
	case unneeded:
		return "no-op"
	}
	return map[api.Kind]string{
		api.KindInvalidState: "InvalidState", api.KindInvalidRequest: "InvalidRequest", api.KindNotFound: "ResourceNotFound",
	}[err.Kind]
}

func afterFailure(op api.OperationType) string {
	switch failed := lifecycle[op].failed; {
	case failed != "":
		return string(failed) + ", operation FAILED"
	case op == api.OperationUpdateService:
		return "RUNNING with the configuration before, operation ROLLBACK_SUCCEEDED; CREATE_FAILED stays, operation FAILED"
	default:
		return "as before, operation FAILED"
	}
}
