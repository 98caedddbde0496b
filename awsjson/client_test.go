package awsjson

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apprunner"
	"github.com/aws/aws-sdk-go-v2/service/apprunner/types"

	"apron/api"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

var testTime = api.At(time.UnixMilli(1606156014374))

// testService is a service with every member set.
func testService() *api.Service {
	arn := "arn:aws:apprunner:us-east-1:123456789012:"
	return &api.Service{
		ServiceName: "web-app", ServiceId: "0123456789abcdef0123456789abcdef", ServiceArn: testARN,
		ServiceUrl: new("psbqam834h.us-east-1.apron.localhost"), CreatedAt: testTime, UpdatedAt: testTime, DeletedAt: &testTime,
		Status: api.StatusOperationInProgress,
		SourceConfiguration: &api.SourceConfiguration{
			ImageRepository: &api.ImageRepository{
				ImageIdentifier: "localhost:4080/web:1", ImageRepositoryType: api.ImageRepositoryECR,
				ImageConfiguration: &api.ImageConfiguration{Port: new("8080"), RuntimeEnvironmentVariables: map[string]string{"GREETING": "<hello>"}},
			},
			AutoDeploymentsEnabled: new(false),
		},
		InstanceConfiguration:    &api.InstanceConfiguration{Cpu: new("1024"), Memory: new("2048")},
		HealthCheckConfiguration: &api.HealthCheckConfiguration{Protocol: new(api.HealthCheckHTTP), Path: new("/"), Interval: new(5)},
		AutoScalingConfigurationSummary: &api.AutoScalingConfigurationSummary{
			AutoScalingConfigurationArn:      new(arn + "autoscalingconfiguration/DefaultConfiguration/1/00000000000000000000000000000001"),
			AutoScalingConfigurationRevision: new(1), Status: new(api.AutoScalingConfigurationActive),
		},
		NetworkConfiguration: &api.NetworkConfiguration{
			EgressConfiguration:  &api.EgressConfiguration{EgressType: new(api.EgressDefault)},
			IngressConfiguration: &api.IngressConfiguration{IsPubliclyAccessible: new(true)},
		},
		ObservabilityConfiguration: &api.ServiceObservabilityConfiguration{},
	}
}

// clientActions are handlers that show what arrived and answer with every kind of member.
func clientActions() map[string]Handler {
	return map[string]Handler{
		"CreateService": Handle(func(_ context.Context, _ api.Caller, in *api.CreateServiceRequest) (*api.CreateServiceResponse, error) {
			service := testService()
			service.ServiceName, service.SourceConfiguration = in.ServiceName, in.SourceConfiguration
			return &api.CreateServiceResponse{Service: service, OperationId: "11111111111111111111111111111111"}, nil
		}),
		"PauseService": Handle(func(_ context.Context, c api.Caller, in *api.PauseServiceRequest) (*api.PauseServiceResponse, error) {
			return nil, api.NotFound("The service %s does not exist in account %s and region %s.", in.ServiceArn, c.Account, c.Region)
		}),
		"ListServices": Handle(func(context.Context, api.Caller, *api.ListServicesRequest) (*api.ListServicesResponse, error) {
			return &api.ListServicesResponse{}, nil
		}),
		"DescribeService": Handle(func(context.Context, api.Caller, *api.DescribeServiceRequest) (*api.DescribeServiceResponse, error) {
			return &api.DescribeServiceResponse{Service: testService()}, nil
		}),
		"UntagResource": Handle(func(_ context.Context, _ api.Caller, in *api.UntagResourceRequest) (*api.UntagResourceResponse, error) {
			return &api.UntagResourceResponse{}, nil
		}),
	}
}

// recorder writes down the last exchange: what decides its meaning, without what changes from run to run.
type recorder struct {
	next http.Handler
	last bytes.Buffer
}

func (rec *recorder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	answer := httptest.NewRecorder()
	rec.next.ServeHTTP(answer, r)
	rec.last.Reset()
	fmt.Fprintf(&rec.last, "%s %s\nX-Amz-Target: %s\nContent-Type: %s\n\n%s\n\n", r.Method, r.URL, r.Header.Get("X-Amz-Target"), r.Header.Get("Content-Type"), indented(body))
	fmt.Fprintf(&rec.last, "%d\nContent-Type: %s\nX-Amzn-ErrorType: %s\n\n%s\n", answer.Code, answer.Header().Get("Content-Type"), answer.Header().Get("X-Amzn-ErrorType"), indented(answer.Body.Bytes()))

	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	w.Write(answer.Body.Bytes())
}

func indented(b []byte) string {
	var out bytes.Buffer
	if err := json.Indent(&out, b, "", "  "); err != nil {
		return fmt.Sprintf("%q: %v", b, err)
	}
	return out.String()
}

func (rec *recorder) wantGolden(t *testing.T, name string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, rec.last.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if rec.last.String() != string(want) {
		t.Errorf("the exchange is not that of %s (go test -update rewrites it):\n%s", path, &rec.last)
	}
}

// sdkClient is the unmodified Go SDK against a server with clientActions.
func sdkClient(t *testing.T) (*apprunner.Client, *recorder) {
	t.Helper()
	rec := &recorder{next: New(Config{Log: slog.New(slog.DiscardHandler), Key: testKeys, Actions: clientActions()})}
	server := httptest.NewServer(rec)
	t.Cleanup(server.Close)
	return apprunner.New(apprunner.Options{
		BaseEndpoint: new(server.URL), Region: "us-east-1", Retryer: aws.NopRetryer{},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: testKey, SecretAccessKey: testSecret}, nil
		}),
	}), rec
}

func TestGoSDKCreatesAService(t *testing.T) {
	client, rec := sdkClient(t)
	out, err := client.CreateService(t.Context(), &apprunner.CreateServiceInput{
		ServiceName: new("web-app"),
		SourceConfiguration: &types.SourceConfiguration{
			ImageRepository: &types.ImageRepository{
				ImageIdentifier: new("localhost:4080/web:1"), ImageRepositoryType: types.ImageRepositoryTypeEcr,
				ImageConfiguration: &types.ImageConfiguration{RuntimeEnvironmentVariables: map[string]string{"A": "<1 & 2>"}},
			},
			AutoDeploymentsEnabled: new(false),
		},
		NetworkConfiguration: &types.NetworkConfiguration{IngressConfiguration: &types.IngressConfiguration{}},
		Tags:                 []types.Tag{{Key: new("apron:idle-timeout"), Value: new("10m")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	s := out.Service
	if *s.ServiceName != "web-app" || s.SourceConfiguration.ImageRepository.ImageConfiguration.RuntimeEnvironmentVariables["A"] != "<1 & 2>" {
		t.Errorf("got %+v", s)
	}
	if !s.CreatedAt.Equal(testTime.Time) || s.AutoScalingConfigurationSummary.Status != "active" || s.Status != types.ServiceStatusOperationInProgress {
		t.Errorf("created at %s, scaling %s, status %s", s.CreatedAt, s.AutoScalingConfigurationSummary.Status, s.Status)
	}
	rec.wantGolden(t, "go-create-service")
}

func TestGoSDKReadsEmptyLists(t *testing.T) {
	client, rec := sdkClient(t)
	out, err := client.ListServices(t.Context(), &apprunner.ListServicesInput{MaxResults: new(int32(5))})
	if err != nil || out.ServiceSummaryList == nil || out.NextToken != nil {
		t.Errorf("got %+v, %v", out, err)
	}
	rec.wantGolden(t, "go-list-services")
	if _, err := client.UntagResource(t.Context(), &apprunner.UntagResourceInput{ResourceArn: new(testARN), TagKeys: []string{}}); err != nil {
		t.Error(err)
	}
	rec.wantGolden(t, "go-untag-resource")
}

func TestGoSDKSeesTypedExceptions(t *testing.T) {
	client, rec := sdkClient(t)
	_, err := client.PauseService(t.Context(), &apprunner.PauseServiceInput{ServiceArn: new(testARN)})
	missing, ok := errors.AsType[*types.ResourceNotFoundException](err)
	if want := "The service " + testARN + " does not exist in account 123456789012 and region us-east-1."; !ok || *missing.Message != want {
		t.Errorf("got %v, want %s", err, want)
	}
	rec.wantGolden(t, "go-pause-service-not-found")

	_, err = client.PauseService(t.Context(), &apprunner.PauseServiceInput{ServiceArn: new("web-app")})
	if _, ok := errors.AsType[*types.InvalidRequestException](err); !ok || !strings.Contains(err.Error(), "Value 'web-app' at 'serviceArn' failed to satisfy constraint") {
		t.Errorf("got %v", err)
	}
	_, err = client.ListConnections(t.Context(), &apprunner.ListConnectionsInput{})
	if _, ok := errors.AsType[*types.InternalServiceErrorException](err); !ok || !strings.Contains(err.Error(), "The action ListConnections is not built into this version of apron yet.") {
		t.Errorf("got %v", err)
	}
}

func TestGoSDKSeesAWrongSecret(t *testing.T) {
	client, _ := sdkClient(t)
	wrong := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: testKey, SecretAccessKey: "wrong"}, nil
	})
	_, err := client.ListServices(t.Context(), &apprunner.ListServicesInput{}, func(o *apprunner.Options) { o.Credentials = wrong })
	if err == nil || !strings.Contains(err.Error(), "api error InvalidSignatureException: The request signature we calculated does not match") {
		t.Errorf("got %v", err)
	}
}

// awsCLI is Debian's: its path is named so that no other aws in PATH is tested by accident.
const awsCLI = "/usr/bin/aws"

func TestAWSCommandLine(t *testing.T) {
	if _, err := os.Stat(awsCLI); err != nil {
		t.Skipf("the AWS CLI is not installed (apt-get install awscli): %v", err)
	}
	url, logged := start(t, Config{Actions: clientActions()})
	image := `{"ImageRepository":{"ImageIdentifier":"localhost:4080/web:1","ImageRepositoryType":"ECR"}}`
	tests := map[string]struct {
		args []string
		want []string
		fail bool
	}{
		"describe": {args: []string{"describe-service", "--service-arn", testARN, "--query", "Service.[Status,CreatedAt]", "--output", "text"},
			want: []string{"OPERATION_IN_PROGRESS", "2020-11-23T18:26:54.374000+00:00"}},
		"create": {args: []string{"create-service", "--service-name", "web-app", "--source-configuration", image, "--query", "OperationId"},
			want: []string{`"11111111111111111111111111111111"`}},
		"list": {args: []string{"list-services"}, want: []string{`"ServiceSummaryList": []`}},
		"not found": {args: []string{"pause-service", "--service-arn", testARN}, fail: true,
			want: []string{"An error occurred (ResourceNotFoundException) when calling the PauseService operation: The service " + testARN + " does not exist in account 123456789012 and region us-east-1."}},
		"invalid": {args: []string{"create-service", "--service-name", "web!", "--source-configuration", image}, fail: true,
			want: []string{"(InvalidRequestException) when calling the CreateService operation: 1 validation error detected: Value 'web!' at 'serviceName' failed to satisfy constraint: " +
				"Member must satisfy regular expression pattern: [A-Za-z0-9][A-Za-z0-9-_]{3,39}"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, awsCLI, append([]string{"apprunner", "--endpoint-url", url}, tt.args...)...)
			cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + t.TempDir(), "TZ=UTC", "AWS_DEFAULT_REGION=us-east-1",
				"AWS_ACCESS_KEY_ID=" + testKey, "AWS_SECRET_ACCESS_KEY=" + testSecret, "AWS_EC2_METADATA_DISABLED=true"}
			out, err := cmd.CombinedOutput()
			if (err != nil) != tt.fail {
				t.Errorf("%v", err)
			}
			for _, want := range tt.want {
				if !strings.Contains(string(out), want) {
					t.Errorf("%s\nlacks %s", out, want)
				}
			}
		})
	}
	if t.Failed() {
		t.Log(logged())
	}
}
