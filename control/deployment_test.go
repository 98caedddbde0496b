package control_test

import (
	"fmt"
	"slices"
	"testing"

	"apron/api"
	"apron/store"
)

// deployed updates the service to an image and some settings, ends that, and returns the operation's id.
func (w *world) deployed(t *testing.T, arn, image, memory, path string) string {
	t.Helper()
	out, err := w.UpdateService(t.Context(), caller, &api.UpdateServiceRequest{
		ServiceArn: arn,
		SourceConfiguration: &api.SourceConfiguration{ImageRepository: &api.ImageRepository{
			ImageIdentifier: image, ImageRepositoryType: api.ImageRepositoryECR,
			ImageConfiguration: &api.ImageConfiguration{RuntimeEnvironmentVariables: map[string]string{"IMAGE": image}},
		}},
		InstanceConfiguration:    &api.InstanceConfiguration{Memory: &memory},
		HealthCheckConfiguration: &api.HealthCheckConfiguration{Path: &path},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.change(t, func(tx *store.Tx) error { // what the worker's pull does
		op, err := tx.Operation(out.OperationId)
		op.Target.Image = "sha256:" + image
		if err != nil {
			return err
		}
		return tx.PutOperation(op)
	})
	w.finish(t, arn, true)
	return out.OperationId
}

func (w *world) rollback(t *testing.T, arn string, id *string) (*api.RollbackServiceResponse, error) {
	t.Helper()
	return w.RollbackService(t.Context(), caller, &api.RollbackServiceRequest{ServiceArn: arn, OperationId: id})
}

func (w *world) deployments(t *testing.T, arn string) (list []api.DeploymentSummary) {
	t.Helper()
	in := &api.ListDeploymentsRequest{ServiceArn: arn, MaxResults: new(2)}
	for {
		out, err := w.ListDeployments(t.Context(), caller, in)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, out.DeploymentSummaryList...)
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return list
		}
	}
}

func TestRollback_BringsImageAndSettingsBackAndLeavesTheRest(t *testing.T) {
	w := newWorld(t)
	s := w.create(t, "web-app")
	w.deployed(t, s.ServiceArn, "web:1", "2048", "/one")
	two := w.deployed(t, s.ServiceArn, "web:2", "3072", "/two")
	w.deployed(t, s.ServiceArn, "web:3", "4096", "/three")
	w.change(t, func(tx *store.Tx) error {
		svc, err := tx.Service(s.ServiceArn)
		svc.Service.NetworkConfiguration.IpAddressType = new(api.IpAddressDualStack)
		if err != nil {
			return err
		}
		return tx.PutService(svc)
	})
	out, err := w.rollback(t, s.ServiceArn, nil)
	if err != nil {
		t.Fatal(err)
	}
	image := out.Service.SourceConfiguration.ImageRepository
	got := fmt.Sprint(out.Service.Status, " ", image.ImageIdentifier, image.ImageConfiguration.RuntimeEnvironmentVariables,
		*out.Service.InstanceConfiguration.Memory, *out.Service.HealthCheckConfiguration.Path, " ", *out.Service.NetworkConfiguration.IpAddressType)
	if want := "OPERATION_IN_PROGRESS web:2map[IMAGE:web:2]3072/two DUAL_STACK"; got != want {
		t.Errorf("the service shows %s, want %s", got, want)
	}
	w.change(t, func(tx *store.Tx) error {
		op, err := tx.OpenOperation(s.ServiceArn)
		if err != nil {
			return err
		}
		d := op.Target
		if op.ID() != out.OperationId || op.Type() != api.OperationUpdateService || !op.RollsBack || d.ID != op.ID() ||
			d.Image != "sha256:web:2" || d.RestoredFrom != two || d.MinSize != 1 || *d.Config.InstanceConfiguration.Memory != "3072" {
			t.Errorf("the operation is %+v with the target %+v", op, d)
		}
		return nil
	})
	w.finish(t, s.ServiceArn, true)
	list := w.deployments(t, s.ServiceArn)
	if newest := list[0]; newest.OperationId != out.OperationId || !newest.Current || *newest.RestoredFrom != two || newest.ImageDigest != "sha256:web:2" {
		t.Errorf("the newest deployment is %+v", newest)
	}
}

func TestListDeployments_NewestFirstWithTheCurrentOne(t *testing.T) {
	w := newWorld(t)
	s := w.create(t, "web-app")
	w.deployed(t, s.ServiceArn, "web:1", "2048", "/one")
	last := w.deployed(t, s.ServiceArn, "web:2", "3072", "/two")
	var got []string
	for _, d := range w.deployments(t, s.ServiceArn) {
		got = append(got, fmt.Sprint(d.Type, " ", *d.ImageIdentifier, " ", d.ImageDigest, " ", d.Current, d.OperationId == last, d.RestoredFrom == nil, d.DeployedAt.IsZero()))
	}
	want := []string{
		"UPDATE_SERVICE web:2 sha256:web:2 true true true false",
		"UPDATE_SERVICE web:1 sha256:web:1 false false true false",
		"CREATE_SERVICE 127.0.0.1:4080/hello:1  false false true false",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the deployments are\n%q, want\n%q", got, want)
	}
}

func TestRollback_ToWhatIsNotKept_SaysHowToFindWhatIs(t *testing.T) {
	w := newWorld(t)
	s := w.create(t, "web-app")
	other := w.create(t, "other")
	_, err := w.rollback(t, s.ServiceArn, new(w.first(other.ServiceArn)))
	wantKind(t, err, api.KindNotFound, "List its deployments to see those that it can go back to: the last 10.")
	_, err = w.rollback(t, s.ServiceArn, nil)
	wantKind(t, err, api.KindInvalidState, "Service web-app has no deployment before the current one.")
	if got := w.stored(t, s.ServiceArn).Status; got != api.StatusRunning {
		t.Errorf("the service is %s after a refusal", got)
	}
}

// TestRollback_OfABuild_BringsItsCommitBack as it brings its image back: nothing is fetched and nothing built.
func TestRollback_OfABuild_BringsItsCommitBack(t *testing.T) {
	w := newWorld(t)
	out, err := w.CreateService(t.Context(), caller, codeRequest("web-app"))
	if err != nil {
		t.Fatal(err)
	}
	arn := out.Service.ServiceArn
	w.built(t, out.OperationId, "1111")
	w.finish(t, arn, true)
	second, err := w.AutoDeploy(t.Context(), arn, store.Cause{})
	if err != nil {
		t.Fatal(err)
	}
	w.built(t, second, "2222")
	w.finish(t, arn, true)
	back, err := w.rollback(t, arn, nil)
	if err != nil {
		t.Fatal(err)
	}
	w.change(t, func(tx *store.Tx) error {
		op, err := tx.Operation(back.OperationId)
		if err == nil && (op.Target.Source == nil || op.Target.Source.Commit != "1111" || op.Target.Run == nil || op.Target.Run.Command != "run 1111" || op.Target.Image != "sha256:1111") {
			t.Errorf("the target is %+v, want the first commit's", op.Target)
		}
		return err
	})
	described, err := w.DescribeOperation(t.Context(), caller, &api.DescribeOperationRequest{ServiceArn: arn, OperationId: second})
	if err != nil || described.Operation.Commit == nil || *described.Operation.Commit != "2222" || *described.Operation.CommitSubject != "Subject of 2222" {
		t.Errorf("the second operation is %+v, %v; want its commit in it", described, err)
	}
	if list := w.deployments(t, arn); len(list) != 2 || list[0].Commit == nil || *list[0].Commit != "2222" || *list[1].CommitSubject != "Subject of 1111" {
		t.Errorf("the deployments are %+v, want their commits in them", list)
	}
}

// built does what the worker's steps fetch and build do.
func (w *world) built(t *testing.T, operation, commit string) {
	t.Helper()
	w.change(t, func(tx *store.Tx) error {
		op, err := tx.Operation(operation)
		if err != nil {
			return err
		}
		op.Target.Image = "sha256:" + commit
		op.Target.Source = &store.SourceVersion{Commit: commit, Subject: "Subject of " + commit}
		op.Target.Run = &store.RunSettings{Command: "run " + commit, Port: 8080}
		return tx.PutOperation(op)
	})
}
