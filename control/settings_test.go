package control_test

import (
	"maps"
	"strings"
	"testing"

	"apron/api"
	"apron/store"
)

func TestCreateService_TellsAllFaultsAtOnce(t *testing.T) {
	w, in := newWorld(t), createRequest("web-app")
	in.SourceConfiguration.ImageRepository.ImageConfiguration = &api.ImageConfiguration{
		Port: new("0"), RuntimeEnvironmentVariables: map[string]string{"PORT": "1"},
	}
	in.InstanceConfiguration = &api.InstanceConfiguration{Cpu: new("512"), Memory: new("2048")}
	in.AutoScalingConfigurationArn = new("arn:aws:apprunner:us-east-1:123456789012:autoscalingconfiguration/none")
	_, err := w.CreateService(t.Context(), caller, in)
	wantKind(t, err, api.KindInvalidRequest, "4 validation errors detected: "+
		"The auto scaling configuration ARN you specified isn't valid. ARN: 'arn:aws:apprunner:us-east-1:123456789012:autoscalingconfiguration/none'; "+
		`Port "0" isn't a port. Give a number from 1 to 65535; `+
		"PORT is reserved: App Runner sets it to the configured Port. Remove it from RuntimeEnvironmentVariables and set Port; "+
		"InstanceConfiguration has Cpu 512 and Memory 2048, which don't go together. With Cpu 512, Memory must be one of 1024")
}

func TestCreateService_RefusesBrokenSettings(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*api.CreateServiceRequest)
		part   string
	}{
		"image name": {func(in *api.CreateServiceRequest) {
			in.SourceConfiguration.ImageRepository.ImageIdentifier = "Team/web:1"
		}, `ImageIdentifier "Team/web:1" can't name an image: "Team/web" is no repository`},
		"port with a sign":    {func(in *api.CreateServiceRequest) { imageOf(in).Port = new("+80") }, `Port "+80"`},
		"port with zeros":     {func(in *api.CreateServiceRequest) { imageOf(in).Port = new("0080") }, `Port "0080"`},
		"port above all":      {func(in *api.CreateServiceRequest) { imageOf(in).Port = new("65536") }, `Port "65536"`},
		"secret's name":       secrets("PORT", "name"),
		"secret's equal":      secrets("A=B", "name"),
		"no secret":           {secrets("A", "arn:aws:s3:::bucket").change, `gives "A" a value that names no secret`},
		"secret and variable": {secrets("GREETING", "name").change, `both have the name "GREETING"`},
		"NUL": {func(in *api.CreateServiceRequest) {
			imageOf(in).RuntimeEnvironmentVariables["A"] = "a\x00b"
		}, "NUL character"},
		"long variable": {func(in *api.CreateServiceRequest) {
			imageOf(in).RuntimeEnvironmentVariables["A"] = strings.Repeat("é", 65535)
		}, "longer than Linux allows"},
		"path": {func(in *api.CreateServiceRequest) {
			in.HealthCheckConfiguration = &api.HealthCheckConfiguration{Protocol: new(api.HealthCheckHTTP), Path: new("health")}
		}, `Path "health", which isn't a path`},
		"path of a URL": {func(in *api.CreateServiceRequest) {
			in.HealthCheckConfiguration = &api.HealthCheckConfiguration{Protocol: new(api.HealthCheckHTTP), Path: new("http://other/")}
		}, "isn't a path"},
		"connector missing": {egressTo(api.EgressVPC, nil), "has EgressType VPC and no VpcConnectorArn"},
		"connector unused":  {egressTo(api.EgressDefault, new(someConnector)), "has a VpcConnectorArn, which needs EgressType VPC"},
		"connector unknown": {egressTo(api.EgressVPC, new(someConnector)), "No VPC connector with the ARN " + someConnector},
		"connector of another account": {
			egressTo(api.EgressVPC, new(strings.Replace(someConnector, "123456789012", "210987654321", 1))), "belongs to account 210987654321",
		},
		"observability": {observedBy(new(someObservability)), "No observability configuration with the ARN " + someObservability},
		"connection": {func(in *api.CreateServiceRequest) {
			in.SourceConfiguration.AuthenticationConfiguration = &api.AuthenticationConfiguration{ConnectionArn: new(someConnection)}
		}, "No connection with the ARN " + someConnection},
		"not built: key": {func(in *api.CreateServiceRequest) {
			in.EncryptionConfiguration = &api.EncryptionConfiguration{KmsKey: "arn:aws:kms:us-east-1:123456789012:key/0"}
		}, "can't encrypt with your key yet. Leave EncryptionConfiguration out."},
		"not built: secrets": {secrets("A", "arn:aws:secretsmanager:us-east-1:123456789012:secret:db-AbCdEf:password::").change, "can't resolve secrets yet"},
	} {
		t.Run(name, func(t *testing.T) {
			w, in := newWorld(t), createRequest("web-app")
			in.SourceConfiguration.ImageRepository.ImageConfiguration = &api.ImageConfiguration{
				RuntimeEnvironmentVariables: map[string]string{"GREETING": "hello"},
			}
			c.change(in)
			_, err := w.CreateService(t.Context(), caller, in)
			wantKind(t, err, api.KindInvalidRequest, c.part)
			if err != nil && strings.Contains(err.Error(), "errors detected") {
				t.Errorf("one fault is told as several: %v", err)
			}
		})
	}
}

const (
	someConnector     = "arn:aws:apprunner:us-east-1:123456789012:vpcconnector/connector/1/0123456789abcdef0123456789abcdef"
	someObservability = "arn:aws:apprunner:us-east-1:123456789012:observabilityconfiguration/tracing/1/0123456789abcdef0123456789abcdef"
	someConnection    = "arn:aws:apprunner:us-east-1:123456789012:connection/github/0123456789abcdef0123456789abcdef"
)

// secrets is a request with a secret; that with its name or value something is wrong shows in the message's first words.
func secrets(name, value string) struct {
	change func(*api.CreateServiceRequest)
	part   string
} {
	return struct {
		change func(*api.CreateServiceRequest)
		part   string
	}{func(in *api.CreateServiceRequest) {
		imageOf(in).RuntimeEnvironmentSecrets = map[string]string{name: value}
	}, "RuntimeEnvironmentSecrets"}
}

func egressTo(kind api.EgressType, connector *string) func(*api.CreateServiceRequest) {
	return func(in *api.CreateServiceRequest) {
		in.NetworkConfiguration = &api.NetworkConfiguration{
			EgressConfiguration: &api.EgressConfiguration{EgressType: &kind, VpcConnectorArn: connector},
		}
	}
}

func observedBy(arn *string) func(*api.CreateServiceRequest) {
	return func(in *api.CreateServiceRequest) {
		in.ObservabilityConfiguration = &api.ServiceObservabilityConfiguration{ObservabilityEnabled: true, ObservabilityConfigurationArn: arn}
	}
}

func codeRequest(name string) *api.CreateServiceRequest {
	return &api.CreateServiceRequest{ServiceName: name, SourceConfiguration: &api.SourceConfiguration{CodeRepository: &api.CodeRepository{
		RepositoryUrl:     "https://github.com/team/web",
		SourceCodeVersion: &api.SourceCodeVersion{Type: api.SourceCodeVersionBranch, Value: "main"},
		CodeConfiguration: &api.CodeConfiguration{
			ConfigurationSource: api.ConfigurationSourceAPI,
			CodeConfigurationValues: &api.CodeConfigurationValues{
				Runtime: api.RuntimePython311, BuildCommand: new("pip3 install -r requirements.txt"), StartCommand: new("python3 app.py"),
			},
		},
	}}}
}

func TestCreateService_HoldsCodeToItsRules(t *testing.T) {
	type repository = api.CodeRepository
	url := func(u string) func(*repository) { return func(r *repository) { r.RepositoryUrl = u } }
	directory := func(d string) func(*repository) { return func(r *repository) { r.SourceDirectory = &d } }
	branch := func(b string) func(*repository) { return func(r *repository) { r.SourceCodeVersion.Value = b } }
	for name, c := range map[string]struct {
		change func(*repository)
		part   string
	}{
		"https":              {url("https://github.com/team/web"), ""},
		"ssh":                {url("ssh://git@host:22/team/web.git"), ""},
		"ssh as git has it":  {url("git@github.com:team/web.git"), ""},
		"file":               {url("file:///srv/git/web.git"), ""},
		"http of our own":    {url("http://127.0.0.1:4080/git/web"), ""},
		"plain http":         {url("http://github.com/team/web"), `RepositoryUrl "http://github.com/team/web" can't be used: nobody protects it`},
		"no host":            {url("https:///team/web"), "RepositoryUrl isn't one"},
		"no path":            {url("https://github.com/"), "RepositoryUrl isn't one"},
		"relative file":      {url("file://web.git"), "RepositoryUrl isn't one"},
		"an option for git":  {url("git@host:--upload-pack=x"), "RepositoryUrl isn't one"},
		"another protocol":   {url("ext::sh -c x"), "RepositoryUrl isn't one"},
		"a token in the URL": {url("https://token@github.com/team/web"), "RepositoryUrl holds credentials"},
		"a token in http":    {url("http://token@127.0.0.1:4080/git/web"), "RepositoryUrl holds credentials"},
		"branch":             {branch("feature/a-1"), ""},
		"branch with spaces": {branch("a b"), `Value "a b", which can't be a branch's name`},
		"branch like a flag": {branch("-x"), "can't be a branch's name"},
		"branch with dots":   {branch("a..b"), "can't be a branch's name"},
		"directory":          {directory("/services/web"), ""},
		"directory outside":  {directory("web/../../etc"), "leads out of the repository"},
		"file says it": {func(r *repository) {
			r.CodeConfiguration = &api.CodeConfiguration{ConfigurationSource: api.ConfigurationSourceRepository}
		}, ""},
		"no configuration": {func(r *repository) { r.CodeConfiguration = nil }, "CodeRepository has no CodeConfiguration"},
		"no values":        {func(r *repository) { r.CodeConfiguration.CodeConfigurationValues = nil }, "not all that it needs"},
		"no build":         {func(r *repository) { r.CodeConfiguration.CodeConfigurationValues.BuildCommand = nil }, ""},
		"no start": {func(r *repository) { r.CodeConfiguration.CodeConfigurationValues.StartCommand = nil },
			"Give Runtime, StartCommand and"},
		"port": {func(r *repository) { r.CodeConfiguration.CodeConfigurationValues.Port = new("http") }, `Port "http" isn't a port`},
		"secrets": {func(r *repository) {
			r.CodeConfiguration.CodeConfigurationValues.RuntimeEnvironmentSecrets = map[string]string{"TOKEN": "token"}
		}, "can't resolve secrets yet. Leave RuntimeEnvironmentSecrets out"},
		"PORT": {func(r *repository) {
			r.CodeConfiguration.CodeConfigurationValues.RuntimeEnvironmentVariables = map[string]string{"PORT": "1"}
		}, "PORT is reserved"},
	} {
		t.Run(name, func(t *testing.T) {
			w, in := newWorld(t), codeRequest("web-app")
			c.change(in.SourceConfiguration.CodeRepository)
			out, err := w.CreateService(t.Context(), caller, in)
			if c.part == "" {
				if err != nil || out.Service.SourceConfiguration.CodeRepository.SourceDirectory == nil {
					t.Errorf("create = %+v, %v; want a service with a SourceDirectory", out, err)
				}
				return
			}
			wantKind(t, err, api.KindInvalidRequest, c.part)
			if err != nil && strings.Contains(err.Error(), "token@") {
				t.Errorf("the message shows the token: %v", err)
			}
		})
	}
}

func TestCreateService_DefaultsAutoDeploymentsBySource(t *testing.T) {
	for name, c := range map[string]struct {
		image string
		kind  api.ImageRepositoryType
		want  bool
	}{
		"public":          {"public.ecr.aws/alias/web:1", api.ImageRepositoryECRPublic, false},
		"own account":     {"123456789012.dkr.ecr.eu-west-1.amazonaws.com/web:1", api.ImageRepositoryECR, true},
		"another account": {"210987654321.dkr.ecr.eu-west-1.amazonaws.com/web:1", api.ImageRepositoryECR, false},
		"no account":      {"web:1", api.ImageRepositoryECR, true},
	} {
		t.Run(name, func(t *testing.T) {
			w, in := newWorld(t), createRequest("web-app")
			in.SourceConfiguration.ImageRepository.ImageIdentifier, in.SourceConfiguration.ImageRepository.ImageRepositoryType = c.image, c.kind
			out, err := w.CreateService(t.Context(), caller, in)
			if err != nil || *out.Service.SourceConfiguration.AutoDeploymentsEnabled != c.want {
				t.Errorf("create = %+v, %v; want AutoDeploymentsEnabled %t", out, err, c.want)
			}
		})
	}
}

// rested makes a service with all that can be merged and ends its first deployment.
func (w *world) rested(t *testing.T) (arn string) {
	t.Helper()
	w.have(t, someConnector, api.VpcConnector{Status: new(api.VpcConnectorActive)})
	w.have(t, someObservability, api.ObservabilityConfiguration{})
	in := createRequest("web-app")
	in.SourceConfiguration.ImageRepository.ImageConfiguration = &api.ImageConfiguration{
		Port: new("3000"), RuntimeEnvironmentVariables: map[string]string{"A": "1", "B": "2"},
	}
	in.SourceConfiguration.AuthenticationConfiguration = &api.AuthenticationConfiguration{AccessRoleArn: new("arn:aws:iam::123456789012:role/pull")}
	in.HealthCheckConfiguration = &api.HealthCheckConfiguration{Protocol: new(api.HealthCheckHTTP), Path: new("/health")}
	egressTo(api.EgressVPC, new(someConnector))(in)
	in.NetworkConfiguration.IngressConfiguration = &api.IngressConfiguration{}
	observedBy(new("arn:aws:apprunner:us-east-1:123456789012:observabilityconfiguration/tracing"))(in)
	out, err := w.CreateService(t.Context(), caller, in)
	if err != nil {
		t.Fatal(err)
	}
	w.finish(t, out.Service.ServiceArn, true)
	return out.Service.ServiceArn
}

// have records a resource under its ARN.
func (w *world) have(t *testing.T, arn string, record any) {
	t.Helper()
	parsed, err := api.ParseARN(arn)
	if err != nil {
		t.Fatal(err)
	}
	err = w.store.Update(t.Context(), func(tx *store.Tx) error {
		return store.PutResource(tx, store.Resource[any]{ARN: parsed, Record: record})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) update(t *testing.T, in *api.UpdateServiceRequest) *api.Service {
	t.Helper()
	out, err := w.UpdateService(t.Context(), caller, in)
	if err != nil {
		t.Fatal(err)
	}
	w.finish(t, in.ServiceArn, true)
	return out.Service
}

func TestUpdateService_KeepsWhatItDoesNotGive(t *testing.T) {
	w := newWorld(t)
	arn := w.rested(t)
	s := w.update(t, &api.UpdateServiceRequest{ServiceArn: arn})
	image, egress := s.SourceConfiguration.ImageRepository.ImageConfiguration, s.NetworkConfiguration.EgressConfiguration
	if *image.Port != "3000" || image.RuntimeEnvironmentVariables["A"] != "1" || *s.SourceConfiguration.AuthenticationConfiguration.AccessRoleArn == "" ||
		*s.HealthCheckConfiguration.Path != "/health" || *egress.EgressType != api.EgressVPC || *egress.VpcConnectorArn != someConnector ||
		*s.NetworkConfiguration.IngressConfiguration.IsPubliclyAccessible || !s.ObservabilityConfiguration.ObservabilityEnabled ||
		*s.ObservabilityConfiguration.ObservabilityConfigurationArn != someObservability {
		t.Errorf("an update without settings left %+v of %+v", s, image)
	}
}

func TestUpdateService_MergesEachBlock(t *testing.T) {
	w := newWorld(t)
	arn := w.rested(t)
	s := w.update(t, &api.UpdateServiceRequest{
		ServiceArn: arn,
		SourceConfiguration: &api.SourceConfiguration{ImageRepository: &api.ImageRepository{
			ImageIdentifier: "hello:2", ImageRepositoryType: api.ImageRepositoryECR,
			ImageConfiguration: &api.ImageConfiguration{RuntimeEnvironmentVariables: map[string]string{"C": "3"}},
		}},
		HealthCheckConfiguration: &api.HealthCheckConfiguration{Interval: new(10)},
		NetworkConfiguration: &api.NetworkConfiguration{
			EgressConfiguration:  &api.EgressConfiguration{EgressType: new(api.EgressDefault)},
			IngressConfiguration: &api.IngressConfiguration{IsPubliclyAccessible: new(true)},
		},
		ObservabilityConfiguration: &api.ServiceObservabilityConfiguration{},
	})
	image, h := s.SourceConfiguration.ImageRepository.ImageConfiguration, s.HealthCheckConfiguration
	if *image.Port != "3000" || !maps.Equal(image.RuntimeEnvironmentVariables, map[string]string{"C": "3"}) || *h.Interval != 10 || *h.Path != "/health" {
		t.Errorf("source and health check are %+v, %+v", image, h)
	}
	n := s.NetworkConfiguration
	if *n.EgressConfiguration.EgressType != api.EgressDefault || n.EgressConfiguration.VpcConnectorArn != nil || !*n.IngressConfiguration.IsPubliclyAccessible {
		t.Errorf("network is %+v, %+v", n.EgressConfiguration, n.IngressConfiguration)
	}
	if o := s.ObservabilityConfiguration; o.ObservabilityEnabled || o.ObservabilityConfigurationArn != nil {
		t.Errorf("observability is %+v, want it off", o)
	}
	s = w.update(t, &api.UpdateServiceRequest{ServiceArn: arn, SourceConfiguration: &api.SourceConfiguration{ImageRepository: &api.ImageRepository{
		ImageIdentifier: "hello:2", ImageRepositoryType: api.ImageRepositoryECR,
		ImageConfiguration: &api.ImageConfiguration{RuntimeEnvironmentVariables: map[string]string{}},
	}}})
	if v := s.SourceConfiguration.ImageRepository.ImageConfiguration.RuntimeEnvironmentVariables; v != nil {
		t.Errorf("an empty map left %v", v)
	}
}

func TestUpdateService_RefusesWhatItCannotChange(t *testing.T) {
	w := newWorld(t)
	arn := w.rested(t)
	for name, c := range map[string]struct {
		in   api.UpdateServiceRequest
		part string
	}{
		"source kind": {api.UpdateServiceRequest{SourceConfiguration: codeRequest("x").SourceConfiguration}, "can't switch a service from ImageRepository to CodeRepository"},
		"size":        {api.UpdateServiceRequest{InstanceConfiguration: &api.InstanceConfiguration{Cpu: new("4 vCPU")}}, "With Cpu 4096, Memory must be one of 8192, 10240, 12288."},
		"connector": {api.UpdateServiceRequest{NetworkConfiguration: &api.NetworkConfiguration{
			EgressConfiguration: &api.EgressConfiguration{VpcConnectorArn: new(strings.Replace(someConnector, "/connector/", "/missing/", 1))},
		}}, "No VPC connector"},
		"two": {api.UpdateServiceRequest{
			SourceConfiguration:         codeRequest("x").SourceConfiguration,
			AutoScalingConfigurationArn: new("arn:aws:apprunner:us-east-1:123456789012:autoscalingconfiguration/none"),
		}, "2 validation errors detected: An update can't switch"},
	} {
		t.Run(name, func(t *testing.T) {
			c.in.ServiceArn = arn
			_, err := w.UpdateService(t.Context(), caller, &c.in)
			wantKind(t, err, api.KindInvalidRequest, c.part)
			out, err := w.DescribeService(t.Context(), caller, &api.DescribeServiceRequest{ServiceArn: arn})
			if err != nil || out.Service.Status != api.StatusRunning {
				t.Errorf("service = %+v, %v; want it as it was", out, err)
			}
		})
	}
}
