package verb_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/spf13/cobra"

	"apron/api"
	"apron/awsjson"
	"apron/cli/verb"
)

const (
	account = "123456789012"
	region  = "us-east-1"
	keyID   = "AKIAEXAMPLE"
	secret  = "secret"
)

// fate is what becomes of the operations that a platform begins.
type fate struct {
	status  api.OperationStatus // how they end; IN_PROGRESS is for ever
	reason  string
	service api.ServiceStatus // and the service's status then
	lines   []string          // of the deployment's log
}

// platform answers the API for one account from memory: real requests, signatures and errors, and operations that end at
// the second question.
type platform struct {
	*testing.T
	url     string
	handler http.Handler // of the API alone

	mu         sync.Mutex
	services   []*api.Service
	operations []*api.Operation // newest last
	scalings   []*api.AutoScalingConfiguration
	runtimes   []*api.RuntimeSummary
	fate       fate
	subject    string         // of all commits; empty while services are deployed from an image
	first      time.Time      // when the platform began a deployment by itself, just before it is asked for one
	commit     string         // that all deployments were of, where it is not empty
	asked      map[string]int // by action
	sent       map[string]any // the last input of each action
}

func newPlatform(t *testing.T, names ...string) *platform {
	t.Helper()
	p := &platform{T: t, asked: map[string]int{}, sent: map[string]any{}}
	p.setFate(fate{status: api.OperationSucceeded})
	p.scale("DefaultConfiguration", 1)
	for _, name := range names {
		p.add(name, api.StatusRunning)
	}
	p.handler = awsjson.New(awsjson.Config{
		Log: slog.New(slog.DiscardHandler),
		Key: func(_ context.Context, id string) (awsjson.Key, bool, error) {
			return awsjson.Key{Secret: secret, Account: account}, id == keyID, nil
		},
		Actions: p.actions(),
	})
	mux := http.NewServeMux()
	mux.Handle("/v2/", registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	mux.Handle("/", p.handler)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	p.url = server.URL
	return p
}

// setFate takes the lock, for a program that asks from outside this process orders nothing here.
func (p *platform) setFate(f fate) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fate = f
}

func (p *platform) statusOf(i int) api.ServiceStatus {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.services[i].Status
}

func handle[In, Out any](p *platform, f func(*In) (*Out, error)) awsjson.Handler {
	return awsjson.Handle(func(_ context.Context, _ api.Caller, in *In) (*Out, error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		name := strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%T", in), "*api."), "Request")
		p.asked[name]++
		p.sent[name] = in
		return f(in)
	})
}

func (p *platform) actions() map[string]awsjson.Handler {
	return map[string]awsjson.Handler{
		"ListServices":                     handle(p, p.listServices),
		"DescribeService":                  handle(p, p.describeService),
		"CreateService":                    handle(p, p.createService),
		"UpdateService":                    handle(p, p.updateService),
		"PauseService":                     handle(p, p.pauseService),
		"StartDeployment":                  handle(p, p.startDeployment),
		"DeleteService":                    handle(p, p.deleteService),
		"ListOperations":                   handle(p, p.listOperations),
		"DescribeOperation":                handle(p, p.describeOperation),
		"CancelOperation":                  handle(p, p.cancelOperation),
		"ListLogEvents":                    handle(p, p.listLogEvents),
		"ListDeployments":                  handle(p, p.listDeployments),
		"RollbackService":                  handle(p, p.rollbackService),
		"DescribeServiceUsage":             handle(p, p.describeServiceUsage),
		"ListRuntimes":                     handle(p, p.listRuntimes),
		"PullRuntime":                      handle(p, p.pullRuntime),
		"DescribeStorage":                  handle(p, p.describeStorage),
		"CollectGarbage":                   handle(p, p.collectGarbage),
		"CreateAutoScalingConfiguration":   handle(p, p.createScaling),
		"DescribeAutoScalingConfiguration": handle(p, p.describeScaling),
		"ListAutoScalingConfigurations":    handle(p, p.listScalings),
		"DeleteAutoScalingConfiguration":   handle(p, p.deleteScaling),
	}
}

// add makes a service by hand.
func (p *platform) add(name string, status api.ServiceStatus) *api.Service {
	id := fmt.Sprintf("%032x", len(p.services)+1)
	svc := &api.Service{
		ServiceName: name, ServiceId: id, Status: status, ServiceUrl: new(name + ".us-east-1.apron.localhost:8080"),
		ServiceArn: api.ARN{Region: region, Account: account, Kind: api.ResourceService, Name: name, ID: id}.String(),
		SourceConfiguration: &api.SourceConfiguration{ImageRepository: &api.ImageRepository{
			ImageIdentifier: "web:1", ImageRepositoryType: api.ImageRepositoryECR,
			ImageConfiguration: &api.ImageConfiguration{Port: new("8080"), RuntimeEnvironmentVariables: map[string]string{"GREETING": "Hello"}},
		}},
		InstanceConfiguration: &api.InstanceConfiguration{Cpu: new("1024"), Memory: new("2048")},
		NetworkConfiguration:  &api.NetworkConfiguration{},
		AutoScalingConfigurationSummary: &api.AutoScalingConfigurationSummary{
			AutoScalingConfigurationArn:  p.scalings[0].AutoScalingConfigurationArn,
			AutoScalingConfigurationName: p.scalings[0].AutoScalingConfigurationName,
		},
	}
	p.services = append(p.services, svc)
	return svc
}

func (p *platform) scale(name string, revision int) *api.AutoScalingConfiguration {
	arn := api.ARN{Region: region, Account: account, Kind: api.ResourceAutoScalingConfiguration, Name: name, Revision: revision,
		ID: fmt.Sprintf("%032x", len(p.scalings)+1)}
	c := &api.AutoScalingConfiguration{
		AutoScalingConfigurationArn: new(arn.String()), AutoScalingConfigurationName: &name, AutoScalingConfigurationRevision: &revision,
		MinSize: new(1), MaxSize: new(25), MaxConcurrency: new(100), IsDefault: new(name == "DefaultConfiguration"),
	}
	p.scalings = append(p.scalings, c)
	return c
}

func (p *platform) find(arn string) (*api.Service, error) {
	for _, svc := range p.services {
		if svc.ServiceArn == arn {
			return svc, nil
		}
	}
	return nil, api.NotFound("There is no service %s.", arn)
}

// begin makes an operation whose end is the platform's fate.
func (p *platform) begin(svc *api.Service, kind api.OperationType, done api.ServiceStatus) string {
	svc.Status = api.StatusOperationInProgress
	if p.fate.service == "" {
		p.fate.service = done
	}
	op := &api.Operation{Id: fmt.Sprintf("%032x", len(p.operations)+1), Type: kind, TargetArn: svc.ServiceArn, Status: api.OperationInProgress, Step: new("drain")}
	if p.subject != "" {
		op.Commit, op.CommitSubject = new("1234567890"), &p.subject
	}
	p.operations = append(p.operations, op)
	return op.Id
}

// end lets an operation meet its fate.
func (p *platform) end(op *api.Operation, f fate) {
	op.Status = f.status
	if f.status == api.OperationInProgress {
		return
	}
	op.EndedAt, op.Step = new(op.StartedAt), nil
	if f.reason != "" {
		op.Reason = &f.reason
	}
	if svc, err := p.find(op.TargetArn); err == nil {
		svc.Status = f.service
	}
}

func (p *platform) listServices(in *api.ListServicesRequest) (*api.ListServicesResponse, error) {
	out := &api.ListServicesResponse{}
	for i, svc := range p.services {
		if token := fmt.Sprint(i); in.NextToken == nil && i > 0 || in.NextToken != nil && *in.NextToken != token {
			continue // each page has one
		}
		out.ServiceSummaryList = append(out.ServiceSummaryList, api.ServiceSummary{
			ServiceName: &svc.ServiceName, ServiceArn: &svc.ServiceArn, ServiceUrl: svc.ServiceUrl, Status: &svc.Status, UpdatedAt: &svc.UpdatedAt})
		if i+1 < len(p.services) {
			out.NextToken = new(fmt.Sprint(i + 1))
		}
		break
	}
	return out, nil
}

func (p *platform) describeService(in *api.DescribeServiceRequest) (*api.DescribeServiceResponse, error) {
	svc, err := p.find(in.ServiceArn)
	if err != nil {
		return nil, err
	}
	return &api.DescribeServiceResponse{Service: svc}, nil
}

func (p *platform) createService(in *api.CreateServiceRequest) (*api.CreateServiceResponse, error) {
	svc := p.add(in.ServiceName, api.StatusOperationInProgress)
	svc.SourceConfiguration = in.SourceConfiguration
	return &api.CreateServiceResponse{Service: svc, OperationId: p.begin(svc, api.OperationCreateService, api.StatusRunning)}, nil
}

func (p *platform) updateService(in *api.UpdateServiceRequest) (*api.UpdateServiceResponse, error) {
	svc, err := p.find(in.ServiceArn)
	if err != nil {
		return nil, err
	}
	if svc.Status != api.StatusRunning && svc.Status != api.StatusCreateFailed {
		return nil, api.InvalidState("Can't update service %s: its status is %s and must be RUNNING.", svc.ServiceName, svc.Status)
	}
	return &api.UpdateServiceResponse{Service: svc, OperationId: p.begin(svc, api.OperationUpdateService, api.StatusRunning)}, nil
}

func (p *platform) pauseService(in *api.PauseServiceRequest) (*api.PauseServiceResponse, error) {
	svc, err := p.find(in.ServiceArn)
	switch {
	case err != nil:
		return nil, err
	case svc.Status == api.StatusPaused:
		return &api.PauseServiceResponse{Service: svc}, nil
	}
	return &api.PauseServiceResponse{Service: svc, OperationId: new(p.begin(svc, api.OperationPauseService, api.StatusPaused))}, nil
}

func (p *platform) startDeployment(in *api.StartDeploymentRequest) (*api.StartDeploymentResponse, error) {
	svc, err := p.find(in.ServiceArn)
	if err != nil {
		return nil, err
	}
	if svc.Status != api.StatusRunning {
		return nil, api.InvalidRequest("Service %s isn't in RUNNING state.", svc.ServiceName)
	}
	id := p.begin(svc, api.OperationStartDeployment, api.StatusRunning)
	if !p.first.IsZero() {
		p.operations[len(p.operations)-1].StartedAt = api.At(p.first)
		return nil, api.InvalidRequest("Service %s isn't in RUNNING state.", svc.ServiceName)
	}
	return &api.StartDeploymentResponse{OperationId: id}, nil
}

func (p *platform) deleteService(in *api.DeleteServiceRequest) (*api.DeleteServiceResponse, error) {
	svc, err := p.find(in.ServiceArn)
	if err != nil {
		return nil, err
	}
	return &api.DeleteServiceResponse{Service: svc, OperationId: p.begin(svc, api.OperationDeleteService, api.StatusDeleted)}, nil
}

func (p *platform) listOperations(in *api.ListOperationsRequest) (*api.ListOperationsResponse, error) {
	out := &api.ListOperationsResponse{}
	for i := len(p.operations) - 1; i >= 0; i-- {
		if op := p.operations[i]; op.TargetArn == in.ServiceArn {
			out.OperationSummaryList = append(out.OperationSummaryList, api.OperationSummary{
				Id: &op.Id, Type: &op.Type, Status: &op.Status, TargetArn: &op.TargetArn, StartedAt: &op.StartedAt, EndedAt: op.EndedAt})
		}
	}
	return out, nil
}

func (p *platform) describeOperation(in *api.DescribeOperationRequest) (*api.DescribeOperationResponse, error) {
	for _, op := range p.operations {
		if op.Id == in.OperationId && op.TargetArn == in.ServiceArn {
			shown := *op
			if op.EndedAt == nil && p.asked["DescribeOperation"] > 1 {
				p.end(op, p.fate)
			}
			return &api.DescribeOperationResponse{Operation: &shown}, nil
		}
	}
	return nil, api.NotFound("There is no operation %s.", in.OperationId)
}

func (p *platform) cancelOperation(in *api.CancelOperationRequest) (*api.CancelOperationResponse, error) {
	svc, err := p.find(in.ServiceArn)
	if err != nil {
		return nil, err
	}
	if svc.Status != api.StatusOperationInProgress {
		return nil, api.InvalidState("Service %s has no operation under way.", svc.ServiceName)
	}
	return &api.CancelOperationResponse{Service: svc, OperationId: p.operations[len(p.operations)-1].Id}, nil
}

func (p *platform) listLogEvents(in *api.ListLogEventsRequest) (*api.ListLogEventsResponse, error) {
	out := &api.ListLogEventsResponse{NextToken: "next"}
	if in.NextToken != nil {
		return out, nil
	}
	for _, line := range p.fate.lines {
		out.Events = append(out.Events, api.LogEvent{Stream: "deployment/1", Message: line})
	}
	return out, nil
}

func (p *platform) listDeployments(in *api.ListDeploymentsRequest) (*api.ListDeploymentsResponse, error) {
	out := &api.ListDeploymentsResponse{}
	for i := len(p.operations) - 1; i >= 0; i-- {
		d := api.DeploymentSummary{
			OperationId: p.operations[i].Id, Type: p.operations[i].Type, ImageIdentifier: new("web:1"), ImageDigest: "sha256:0123456789abcdef",
			DeployedAt: api.At(time.Now()), Current: i == len(p.operations)-1}
		if p.subject != "" {
			d.ImageIdentifier, d.Commit, d.CommitSubject = nil, new(fmt.Sprintf("%d", 1234567890+i)), &p.subject
		}
		if p.commit != "" {
			d.Commit = &p.commit
		}
		out.DeploymentSummaryList = append(out.DeploymentSummaryList, d)
	}
	return out, nil
}

func (p *platform) rollbackService(in *api.RollbackServiceRequest) (*api.RollbackServiceResponse, error) {
	svc, err := p.find(in.ServiceArn)
	if err != nil {
		return nil, err
	}
	return &api.RollbackServiceResponse{Service: svc, OperationId: p.begin(svc, api.OperationUpdateService, api.StatusRunning)}, nil
}

// describeServiceUsage tells of one instance that has used half a processor since the question before, a second ago.
func (p *platform) describeServiceUsage(in *api.DescribeServiceUsageRequest) (*api.DescribeServiceUsageResponse, error) {
	n := p.asked["DescribeServiceUsage"]
	return &api.DescribeServiceUsageResponse{Usage: &api.ServiceUsage{
		ServiceArn: in.ServiceArn, MeasuredAt: api.At(time.Unix(int64(n), 0)), RequestsInFlight: 2, RequestsTotal: 10, ServerErrorsTotal: 1,
		Instances: []api.InstanceUsage{{
			InstanceId: "0123456789abcdef", OperationId: "1", Status: api.InstanceHealthy, StartedAt: new(api.At(time.Now().Add(-time.Minute))),
			CpuNanoseconds: n * 5e8, MemoryBytes: 3 << 19, MemoryLimitBytes: 2 << 30,
		}},
	}}, nil
}

const mostRevisions = 2

func (p *platform) createScaling(in *api.CreateAutoScalingConfigurationRequest) (*api.CreateAutoScalingConfigurationResponse, error) {
	have, revision := 0, 0
	for _, c := range p.scalings {
		if *c.AutoScalingConfigurationName == in.AutoScalingConfigurationName {
			have++
			revision = *c.AutoScalingConfigurationRevision
		}
	}
	if have >= mostRevisions {
		return nil, api.QuotaExceeded("There are %d revisions already.", have)
	}
	c := p.scale(in.AutoScalingConfigurationName, revision+1)
	c.MinSize, c.MaxSize, c.MaxConcurrency = in.MinSize, in.MaxSize, in.MaxConcurrency
	return &api.CreateAutoScalingConfigurationResponse{AutoScalingConfiguration: c}, nil
}

func (p *platform) describeScaling(in *api.DescribeAutoScalingConfigurationRequest) (*api.DescribeAutoScalingConfigurationResponse, error) {
	for _, c := range p.scalings {
		if *c.AutoScalingConfigurationArn == in.AutoScalingConfigurationArn {
			return &api.DescribeAutoScalingConfigurationResponse{AutoScalingConfiguration: c}, nil
		}
	}
	return nil, api.NotFound("There is no configuration %s.", in.AutoScalingConfigurationArn)
}

func (p *platform) listScalings(in *api.ListAutoScalingConfigurationsRequest) (*api.ListAutoScalingConfigurationsResponse, error) {
	out := &api.ListAutoScalingConfigurationsResponse{}
	for _, c := range p.scalings {
		if *c.AutoScalingConfigurationName == *in.AutoScalingConfigurationName {
			out.AutoScalingConfigurationSummaryList = append(out.AutoScalingConfigurationSummaryList, api.AutoScalingConfigurationSummary{
				AutoScalingConfigurationArn: c.AutoScalingConfigurationArn, AutoScalingConfigurationRevision: c.AutoScalingConfigurationRevision,
				HasAssociatedService: c.HasAssociatedService, IsDefault: c.IsDefault})
		}
	}
	return out, nil
}

func (p *platform) deleteScaling(in *api.DeleteAutoScalingConfigurationRequest) (*api.DeleteAutoScalingConfigurationResponse, error) {
	for i, c := range p.scalings {
		if *c.AutoScalingConfigurationArn == in.AutoScalingConfigurationArn {
			p.scalings = append(p.scalings[:i], p.scalings[i+1:]...)
			return &api.DeleteAutoScalingConfigurationResponse{AutoScalingConfiguration: c}, nil
		}
	}
	return nil, api.NotFound("There is no configuration %s.", in.AutoScalingConfigurationArn)
}

// errNoServer is what the local server's directory says where none runs.
var errNoServer = errors.New("no apron serves from /data; start one with `apron serve --data /data`")

// root is a program of the verbs alone, beside the local server at url, if there is one.
func root(url string) *cobra.Command {
	root := &cobra.Command{Use: "apron", SilenceErrors: true, SilenceUsage: true}
	root.AddGroup(&cobra.Group{ID: verb.Group, Title: "Services:"})
	cfg := verb.Config{
		Data: "/data",
		Local: func(context.Context, string) (verb.Local, error) {
			if url == "" {
				return verb.Local{}, errNoServer
			}
			return verb.Local{Endpoint: url, AccessKeyID: keyID, SecretAccessKey: secret, Region: region}, nil
		},
		Exports: func(cmd *cobra.Command, data, key string) error { cmd.Print("export ", data, key); return nil },
		StoredLogs: func(_ context.Context, w io.Writer, _, name string, _ verb.Logs) error {
			fmt.Fprintln(w, "stored", name)
			return nil
		},
		MakeBase: makeBase,
	}
	root.AddCommand(verb.Commands(cfg)...)
	root.AddCommand(verb.RuntimeCommand(cfg))
	root.AddCommand(verb.StorageCommands(cfg)...)
	return root
}

// elsewhere are the variables that point to another platform: what this machine is set up for is none of the tests' business.
var elsewhere = []string{"AWS_ENDPOINT_URL_APPRUNNER", "AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION",
	"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"}

// told is what a command came to.
type told struct {
	out, err string // err with the error's text at the end
	code     int
}

// configured are variables that a test sets for the program.
var configured map[string]string

// run runs the program on the platform as its local server.
func (p *platform) run(args ...string) told {
	p.Helper()
	return run(p.T, p.url, args...)
}

// typed runs it with something on its standard input.
func (p *platform) typed(input string, args ...string) told {
	p.Helper()
	stdin = input
	defer func() { stdin = "" }()
	return run(p.T, p.url, args...)
}

// stdin is what the program reads.
var stdin string

func run(t *testing.T, url string, args ...string) told {
	t.Helper()
	for _, name := range elsewhere {
		t.Setenv(name, "") // so that it is put back
		os.Unsetenv(name)
	}
	t.Setenv("HOME", t.TempDir())
	for name, value := range configured {
		t.Setenv(name, value)
	}
	cmd := root(url)
	var out, side bytes.Buffer
	cmd.SetIn(strings.NewReader(stdin))
	cmd.SetOut(&out)
	cmd.SetErr(&side)
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(t.Context())
	if err != nil {
		fmt.Fprintln(&side, "apron:", err)
	}
	return told{out.String(), side.String(), verb.ExitCode(err)}
}
