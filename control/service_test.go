package control_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"apron/api"
	"apron/control"
	"apron/image"
	"apron/store"
	"apron/store/storetest"
)

var caller = api.Caller{Account: "123456789012", Region: "us-east-1", AccessKeyID: "AKIATEST"}

// world is a Control over a real store. Operations are only recorded; finish plays the worker that ends them.
type world struct {
	*control.Control
	store *store.Store
	woken []string
	// settle counts how often domains were said to have something ahead.
	settle int
	// interrupted are the operations that somebody was told of as cancelled.
	interrupted []string
	// retagged are the services whose settings among the tags were said to have changed.
	retagged []string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{store: storetest.Open(t)}
	w.Control = control.New(control.Config{
		Log:       slog.New(slog.NewTextHandler(t.Output(), nil)),
		Store:     w.store,
		Wake:      func(arn string) { w.woken = append(w.woken, arn) },
		Settle:    func() { w.settle++ },
		Interrupt: func(id string) { w.interrupted = append(w.interrupted, id) },
		Retagged:  func(arn string) { w.retagged = append(w.retagged, arn) },
		ReadLog:   readPages,
		Webhook:   func(id string) (url, secret string) { return "http://127.0.0.1:4080/hooks/" + id, "secret of " + id },
		Usage: func(_ context.Context, svc api.Service) (api.ServiceUsage, error) {
			return api.ServiceUsage{ServiceArn: svc.ServiceArn}, nil
		},
		Progress:   func(store.Operation) (string, []api.OperationStep) { return "", nil },
		Host:       func(label, region string) string { return label + "." + region + ".apron.localhost" },
		Domain:     "apron.localhost",
		CheckImage: image.CheckName,
		CheckRepository: func(_ string, u *url.URL) error {
			if u.Scheme == "http" && u.Host != "127.0.0.1:4080" {
				return errors.New("nobody protects it; use https")
			}
			return nil
		},
		TokenKey: []byte("0123456789abcdef0123456789abcdef"), Quotas: control.DefaultQuotas(),
	})
	return w
}

func createRequest(name string) *api.CreateServiceRequest {
	return &api.CreateServiceRequest{
		ServiceName: name,
		SourceConfiguration: &api.SourceConfiguration{ImageRepository: &api.ImageRepository{
			ImageIdentifier: "127.0.0.1:4080/hello:1", ImageRepositoryType: api.ImageRepositoryECR,
		}},
	}
}

// create makes a service and ends its first deployment.
func (w *world) create(t *testing.T, name string) api.Service {
	t.Helper()
	out, err := w.CreateService(t.Context(), caller, createRequest(name))
	if err != nil {
		t.Fatal(err)
	}
	w.finish(t, out.Service.ServiceArn, true)
	return *out.Service
}

// finish ends the service's open operation.
func (w *world) finish(t *testing.T, arn string, success bool) {
	t.Helper()
	err := w.store.Update(t.Context(), func(tx *store.Tx) error {
		op, err := tx.OpenOperation(arn)
		if err != nil {
			return err
		}
		svc, err := tx.Service(arn)
		if err != nil {
			return err
		}
		now := api.At(time.Now())
		op.Summary.EndedAt = &now
		svc.Service.Status = op.OnFailure
		if success {
			svc.Service.Status = op.OnSuccess
			svc.Deployed = op.Target
		}
		if svc.Service.Status == api.StatusDeleted {
			svc.Service.DeletedAt = &now
		}
		return errors.Join(tx.PutService(svc), tx.PutOperation(op), keep(tx, svc, op))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// keep notes what the service has been deployed as, if it was this operation that deployed it.
func keep(tx *store.Tx, svc store.Service, op store.Operation) error {
	if svc.Deployed == nil || svc.Deployed.ID != op.ID() {
		return nil
	}
	_, err := tx.KeepDeployment(svc.Service.ServiceArn, store.PastDeployment{Type: op.Type(), At: *op.Summary.EndedAt, Deployment: *op.Target})
	return err
}

func wantKind(t *testing.T, err error, kind api.Kind, part string) {
	t.Helper()
	e, ok := errors.AsType[*api.Error](err)
	if !ok || e.Kind != kind || !strings.Contains(e.Message, part) {
		t.Errorf("error = %v, want kind %d with %q", err, kind, part)
	}
}

func TestCreateService_EchoesDefaultsInFull(t *testing.T) {
	w := newWorld(t)
	in := createRequest("web-app")
	in.InstanceConfiguration = &api.InstanceConfiguration{Cpu: new("0.25 vCPU"), Memory: new("0.5 GB")}
	out, err := w.CreateService(t.Context(), caller, in)
	if err != nil {
		t.Fatal(err)
	}
	s := out.Service
	got := fmt.Sprint(s.Status, *s.InstanceConfiguration.Cpu, " ", *s.InstanceConfiguration.Memory, " ",
		*s.SourceConfiguration.ImageRepository.ImageConfiguration.Port, " ", *s.SourceConfiguration.AutoDeploymentsEnabled, " ",
		*s.HealthCheckConfiguration.Protocol, *s.HealthCheckConfiguration.Path, " ", *s.HealthCheckConfiguration.Interval, " ",
		*s.HealthCheckConfiguration.Timeout, " ", *s.HealthCheckConfiguration.HealthyThreshold, " ", *s.HealthCheckConfiguration.UnhealthyThreshold, " ",
		*s.NetworkConfiguration.EgressConfiguration.EgressType, *s.NetworkConfiguration.IngressConfiguration.IsPubliclyAccessible,
		*s.NetworkConfiguration.IpAddressType, s.ObservabilityConfiguration.ObservabilityEnabled, " ", *s.AutoScalingConfigurationSummary.AutoScalingConfigurationArn)
	want := "OPERATION_IN_PROGRESS256 512 8080 true TCP/ 5 2 1 5 DEFAULTtrueIPV4false " +
		"arn:aws:apprunner:us-east-1:123456789012:autoscalingconfiguration/DefaultConfiguration/1/00000000000000000000000000000001"
	if got != want {
		t.Errorf("service shows\n%s, want\n%s", got, want)
	}
	if len(w.woken) != 1 || w.woken[0] != s.ServiceArn {
		t.Errorf("woken = %v", w.woken)
	}
	if err := api.Validate(out); err != nil && !strings.Contains(err.Error(), "operationId") {
		t.Errorf("the reply breaks the model: %v", err)
	}
}

func TestCreateService_RefusesANameThatIsTaken(t *testing.T) {
	w := newWorld(t)
	first := w.create(t, "web-app")
	_, err := w.CreateService(t.Context(), caller, createRequest("web-app"))
	wantKind(t, err, api.KindInvalidRequest, "Service with the provided name already exists: web-app.")

	if _, err := w.DeleteService(t.Context(), caller, &api.DeleteServiceRequest{ServiceArn: first.ServiceArn}); err != nil {
		t.Fatal(err)
	}
	w.finish(t, first.ServiceArn, true)
	again := w.create(t, "web-app")
	if again.ServiceArn == first.ServiceArn || *again.ServiceUrl == *first.ServiceUrl {
		t.Error("the new service has the deleted one's ARN or URL")
	}
}

func TestCreateService_RefusesWhatNothingActsOn(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*api.CreateServiceRequest)
		part   string
	}{
		"cpu and memory": {func(in *api.CreateServiceRequest) {
			in.InstanceConfiguration = &api.InstanceConfiguration{Cpu: new("256"), Memory: new("4 GB")}
		}, "must be one of 512, 1024"},
		"port":      {func(in *api.CreateServiceRequest) { imageOf(in).Port = new("http") }, `Port "http" isn't a port`},
		"port zero": {func(in *api.CreateServiceRequest) { imageOf(in).Port = new("0") }, "from 1 to 65535"},
		"PORT": {func(in *api.CreateServiceRequest) {
			imageOf(in).RuntimeEnvironmentVariables = map[string]string{"PORT": "1"}
		}, "PORT is reserved"},
		"AWSAPPRUNNER": {func(in *api.CreateServiceRequest) {
			imageOf(in).RuntimeEnvironmentVariables = map[string]string{"AWSAPPRUNNERX": "1"}
		}, "AWSAPPRUNNER"},
		"equals sign": {func(in *api.CreateServiceRequest) {
			imageOf(in).RuntimeEnvironmentVariables = map[string]string{"A=B": "1"}
		}, "equals sign"},
		"shell in command": {func(in *api.CreateServiceRequest) { imageOf(in).StartCommand = new("a && b") }, "sh -c"},
		"secrets": {func(in *api.CreateServiceRequest) {
			imageOf(in).RuntimeEnvironmentSecrets = map[string]string{"A": "arn"}
		}, "RuntimeEnvironmentSecrets"},
		"no source": {func(in *api.CreateServiceRequest) { in.SourceConfiguration.ImageRepository = nil }, "neither"},
		"scaling": {func(in *api.CreateServiceRequest) {
			in.AutoScalingConfigurationArn = new("arn:aws:apprunner:us-east-1:123456789012:autoscalingconfiguration/none")
		}, "The auto scaling configuration ARN you specified isn't valid. ARN: '"},
		"public, auto deploy": {func(in *api.CreateServiceRequest) {
			in.SourceConfiguration.ImageRepository.ImageRepositoryType = api.ImageRepositoryECRPublic
			in.SourceConfiguration.AutoDeploymentsEnabled = new(true)
		}, "App Runner doesn't support automatic deployments for an image in an ECR Public repository."},
		"apron tag": {func(in *api.CreateServiceRequest) { in.Tags = []api.Tag{{Key: new("apron:typo"), Value: new("1")}} }, "apron does not know the tag apron:typo"},
		"tag twice": {func(in *api.CreateServiceRequest) {
			in.Tags = []api.Tag{{Key: new("a"), Value: new("1")}, {Key: new("a"), Value: new("2")}}
		}, "given twice"},
	} {
		t.Run(name, func(t *testing.T) {
			w, in := newWorld(t), createRequest("web-app")
			in.SourceConfiguration.ImageRepository.ImageConfiguration = &api.ImageConfiguration{}
			c.change(in)
			_, err := w.CreateService(t.Context(), caller, in)
			wantKind(t, err, api.KindInvalidRequest, c.part)
			list, err := w.ListServices(t.Context(), caller, &api.ListServicesRequest{})
			if err != nil || len(list.ServiceSummaryList) != 0 || len(w.woken) != 0 {
				t.Errorf("something was made: %v, %v, %v", list, err, w.woken)
			}
		})
	}
}

func imageOf(in *api.CreateServiceRequest) *api.ImageConfiguration {
	return in.SourceConfiguration.ImageRepository.ImageConfiguration
}

func TestPauseAndResume_GoThereAndBack(t *testing.T) {
	w := newWorld(t)
	arn := w.create(t, "web-app").ServiceArn
	pause := func() *api.PauseServiceResponse {
		out, err := w.PauseService(t.Context(), caller, &api.PauseServiceRequest{ServiceArn: arn})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	first := pause()
	if first.OperationId == nil || first.Service.Status != api.StatusOperationInProgress {
		t.Fatalf("pause = %+v", first)
	}
	ops, err := w.ListOperations(t.Context(), caller, &api.ListOperationsRequest{ServiceArn: arn})
	if err != nil || *ops.OperationSummaryList[0].Id != *first.OperationId || *ops.OperationSummaryList[0].Type != api.OperationPauseService {
		t.Errorf("operations = %+v, %v; want the pause first", ops, err)
	}
	_, err = w.ResumeService(t.Context(), caller, &api.ResumeServiceRequest{ServiceArn: arn})
	wantKind(t, err, api.KindInvalidState, "Another operation is under way")

	w.finish(t, arn, true)
	if again := pause(); again.OperationId != nil || again.Service.Status != api.StatusPaused {
		t.Errorf("pause of a paused service = %+v, want PAUSED without OperationId", again)
	}
	back, err := w.ResumeService(t.Context(), caller, &api.ResumeServiceRequest{ServiceArn: arn})
	if err != nil || back.OperationId == nil {
		t.Fatalf("resume = %+v, %v", back, err)
	}
	w.finish(t, arn, true)
	if back, err = w.ResumeService(t.Context(), caller, &api.ResumeServiceRequest{ServiceArn: arn}); err != nil || back.OperationId != nil {
		t.Errorf("resume of a running service = %+v, %v; want no OperationId", back, err)
	}
}

func TestUpdateService_MergesMembers(t *testing.T) {
	w := newWorld(t)
	in := createRequest("web-app")
	in.SourceConfiguration.ImageRepository.ImageConfiguration = &api.ImageConfiguration{
		Port: new("3000"), RuntimeEnvironmentVariables: map[string]string{"A": "1"},
	}
	made, err := w.CreateService(t.Context(), caller, in)
	if err != nil {
		t.Fatal(err)
	}
	arn := made.Service.ServiceArn
	w.finish(t, arn, true)
	out, err := w.UpdateService(t.Context(), caller, &api.UpdateServiceRequest{
		ServiceArn: arn,
		SourceConfiguration: &api.SourceConfiguration{ImageRepository: &api.ImageRepository{
			ImageIdentifier: "127.0.0.1:4080/hello:2", ImageRepositoryType: api.ImageRepositoryECR,
			ImageConfiguration: &api.ImageConfiguration{StartCommand: new("/hello")},
		}},
		InstanceConfiguration: &api.InstanceConfiguration{Memory: new("4 GB")},
	})
	if err != nil {
		t.Fatal(err)
	}
	image := out.Service.SourceConfiguration.ImageRepository
	if image.ImageIdentifier != "127.0.0.1:4080/hello:2" || *image.ImageConfiguration.Port != "3000" ||
		image.ImageConfiguration.RuntimeEnvironmentVariables["A"] != "1" || *image.ImageConfiguration.StartCommand != "/hello" ||
		*out.Service.InstanceConfiguration.Memory != "4096" || *out.Service.InstanceConfiguration.Cpu != "1024" {
		t.Errorf("updated service = %+v %+v", image, image.ImageConfiguration)
	}
	_, err = w.UpdateService(t.Context(), caller, &api.UpdateServiceRequest{ServiceArn: arn})
	wantKind(t, err, api.KindInvalidState, "OPERATION_IN_PROGRESS")
}

func TestUpdateService_RebuildsAFailedServiceWithoutSettings(t *testing.T) {
	w := newWorld(t)
	made, err := w.CreateService(t.Context(), caller, createRequest("web-app"))
	if err != nil {
		t.Fatal(err)
	}
	w.finish(t, made.Service.ServiceArn, false)
	if out, err := w.UpdateService(t.Context(), caller, &api.UpdateServiceRequest{ServiceArn: made.Service.ServiceArn}); err != nil || out.OperationId == "" {
		t.Errorf("update = %+v, %v", out, err)
	}
}

func TestStartDeployment_InAWrongStateHasAppRunnersText(t *testing.T) {
	w := newWorld(t)
	made, err := w.CreateService(t.Context(), caller, createRequest("web-app"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.StartDeployment(t.Context(), caller, &api.StartDeploymentRequest{ServiceArn: made.Service.ServiceArn})
	wantKind(t, err, api.KindInvalidRequest, "Can't start a deployment on the specified service, because it isn't in RUNNING state.")
}

func TestDeletedService_StaysDescribable(t *testing.T) {
	w := newWorld(t)
	arn := w.create(t, "web-app").ServiceArn
	if _, err := w.DeleteService(t.Context(), caller, &api.DeleteServiceRequest{ServiceArn: arn}); err != nil {
		t.Fatal(err)
	}
	w.finish(t, arn, true)
	out, err := w.DescribeService(t.Context(), caller, &api.DescribeServiceRequest{ServiceArn: arn})
	if err != nil || out.Service.Status != api.StatusDeleted || out.Service.DeletedAt == nil {
		t.Errorf("describe = %+v, %v", out, err)
	}
	_, err = w.PauseService(t.Context(), caller, &api.PauseServiceRequest{ServiceArn: arn})
	wantKind(t, err, api.KindNotFound, "is deleted")
	_, err = w.TagResource(t.Context(), caller, &api.TagResourceRequest{ResourceArn: arn, Tags: []api.Tag{{Key: new("a"), Value: new("b")}}})
	wantKind(t, err, api.KindNotFound, "is deleted")
	list, err := w.ListServices(t.Context(), caller, &api.ListServicesRequest{})
	if err != nil || len(list.ServiceSummaryList) != 0 {
		t.Errorf("list = %+v, %v", list, err)
	}
}

func TestARNs_ThatLeadNowhere(t *testing.T) {
	w := newWorld(t)
	real := w.create(t, "web-app").ServiceArn
	for name, c := range map[string]struct {
		arn  string
		kind api.Kind
	}{
		"malformed":       {"arn:aws:apprunner:us-east-1:123456789012:service/web-app", api.KindInvalidRequest},
		"another kind":    {"arn:aws:apprunner:us-east-1:123456789012:connection/web-app/0123456789abcdef0123456789abcdef", api.KindInvalidRequest},
		"another region":  {strings.Replace(real, "us-east-1", "eu-west-1", 1), api.KindInvalidRequest},
		"another account": {strings.Replace(real, "123456789012", "210987654321", 1), api.KindInvalidRequest},
		"unknown":         {"arn:aws:apprunner:us-east-1:123456789012:service/web-app/0123456789abcdef0123456789abcdef", api.KindNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.DescribeService(t.Context(), caller, &api.DescribeServiceRequest{ServiceArn: c.arn})
			wantKind(t, err, c.kind, "ARN")
		})
	}
}

func TestLists_PageToTheEnd(t *testing.T) {
	w := newWorld(t)
	var want []string
	for i := range 5 {
		want = append(want, w.create(t, fmt.Sprintf("service-%d", i)).ServiceName)
	}
	var got []string
	in := &api.ListServicesRequest{MaxResults: new(2)}
	for {
		out, err := w.ListServices(t.Context(), caller, in)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range out.ServiceSummaryList {
			got = append(got, *s.ServiceName)
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			break
		}
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("listed %v, want %v", got, want)
	}
	_, err := w.ListServices(t.Context(), caller, &api.ListServicesRequest{NextToken: new("x")})
	wantKind(t, err, api.KindInvalidRequest, "NextToken")
}

func TestTags_AddOverwriteRemove(t *testing.T) {
	w := newWorld(t)
	arn := w.create(t, "web-app").ServiceArn
	tag := func(key, value string) {
		t.Helper()
		_, err := w.TagResource(t.Context(), caller, &api.TagResourceRequest{ResourceArn: arn, Tags: []api.Tag{{Key: &key, Value: &value}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	tag("stage", "test")
	tag("stage", "live")
	tag("team", "web")
	if _, err := w.UntagResource(t.Context(), caller, &api.UntagResourceRequest{ResourceArn: arn, TagKeys: []string{"team", "none"}}); err != nil {
		t.Fatal(err)
	}
	out, err := w.ListTagsForResource(t.Context(), caller, &api.ListTagsForResourceRequest{ResourceArn: arn})
	if err != nil || len(out.Tags) != 1 || *out.Tags[0].Key != "stage" || *out.Tags[0].Value != "live" {
		t.Errorf("tags = %+v, %v", out, err)
	}
}
