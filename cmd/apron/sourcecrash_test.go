package main_test

import (
	"context"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/apprunner"
	"github.com/aws/aws-sdk-go-v2/service/apprunner/types"

	"apron/api"
	"apron/operation"
)

// TestKill_AtEveryStepBoundaryOfASource is TestKill_AtEveryStepBoundary for what is fetched and built. From where the commit
// is saved on, a newer one is pushed before the server runs again: it is not what the operation deploys.
func TestKill_AtEveryStepBoundaryOfASource(t *testing.T) {
	for _, c := range []struct {
		kind api.OperationType
		from string
		call func(context.Context, *world) error
	}{
		{api.OperationCreateService, "none", nil},
		{api.OperationUpdateService, "running", updateNothing},
		{api.OperationStartDeployment, "running", deploy},
	} {
		t.Run(string(c.kind), func(t *testing.T) {
			t.Parallel()
			places := operation.SourcePlaces(c.kind)
			for i, place := range places {
				t.Run(place, func(t *testing.T) {
					w := newSourceWorld(t, site("Hello"), nil, "APRON_CRASH_AT="+string(c.kind)+" "+place)
					w.bring(c.from)
					w.greeting = "Good day"
					commit := w.push("Say good day", site(w.greeting))
					call := c.call
					if call == nil {
						call = w.createFrom(w.repo.URL())
					}
					_ = call(t.Context(), w.world) // the server may be gone before it has answered
					if err := w.platform.Wait(); err != nil {
						t.Fatalf("%v\n%s", err, w.platform.Log())
					}
					if i >= slices.Index(places, "fetch saved") {
						w.push("Say good night", site("Good night"))
					}
					w.startServer()
					w.ends(types.OperationStatusSucceeded)
					w.holds(types.ServiceStatusRunning)
					w.newestCommit(commit)
				})
			}
		})
	}
}

// updateNothing is a legal update: it deploys the service as it is.
func updateNothing(ctx context.Context, w *world) error {
	_, err := w.client.UpdateService(ctx, &apprunner.UpdateServiceInput{ServiceArn: &w.arn})
	return err
}

// newestCommit wants the deployment that the service has to be of the commit.
func (w *sourceWorld) newestCommit(want string) {
	w.Helper()
	var list api.ListDeploymentsResponse
	if err := w.own("ListDeployments", &list); err != nil {
		w.Fatal(err)
	}
	if d := list.DeploymentSummaryList[0]; d.Commit == nil || *d.Commit != want {
		w.Errorf("deployed is %+v, want commit %s", d, want)
	}
}
