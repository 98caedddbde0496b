package control_test

import (
	"strings"
	"testing"

	"apron/api"
	"apron/store"
)

const scalingName = "arn:aws:apprunner:us-east-1:123456789012:autoscalingconfiguration/wide"

// haveScaling records a revision of the configuration "wide" and returns its ARN.
func (w *world) haveScaling(t *testing.T, revision, minSize int) string {
	t.Helper()
	arn := api.ARN{
		Region: "us-east-1", Account: "123456789012", Kind: api.ResourceAutoScalingConfiguration,
		Name: "wide", Revision: revision, ID: api.NewID(),
	}
	w.have(t, arn.String(), api.AutoScalingConfiguration{
		AutoScalingConfigurationArn: new(arn.String()), AutoScalingConfigurationName: &arn.Name,
		AutoScalingConfigurationRevision: &arn.Revision, MinSize: &minSize, MaxSize: new(25), MaxConcurrency: new(100),
	})
	return arn.String()
}

// next is what the service's open operation brings up.
func (w *world) next(t *testing.T, arn string) (d store.Deployment) {
	t.Helper()
	err := w.store.View(t.Context(), func(tx *store.Tx) error {
		op, err := tx.OpenOperation(arn)
		if err == nil {
			d = *op.Target
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (w *world) inUse(t *testing.T, arn string) (used bool) {
	t.Helper()
	err := w.store.View(t.Context(), func(tx *store.Tx) (err error) {
		used, err = tx.InUse(arn)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return used
}

func TestService_KeepsTheRevisionThatItsScalingMeantOnce(t *testing.T) {
	w := newWorld(t)
	first := w.haveScaling(t, 1, 3)
	in := createRequest("web-app")
	in.AutoScalingConfigurationArn = new(scalingName)
	out, err := w.CreateService(t.Context(), caller, in)
	if err != nil {
		t.Fatal(err)
	}
	bound := out.Service.AutoScalingConfigurationSummary
	if *bound.AutoScalingConfigurationArn != first || *bound.AutoScalingConfigurationName != "wide" || *bound.AutoScalingConfigurationRevision != 1 {
		t.Errorf("service is bound to %+v, want %s", bound, first)
	}
	arn := out.Service.ServiceArn
	if n := w.next(t, arn).MinSize; n != 3 || !w.inUse(t, first) {
		t.Errorf("deployment has %d instances, and the configuration is in use: %t; want 3 and true", n, w.inUse(t, first))
	}
	w.finish(t, arn, true)

	second := w.haveScaling(t, 2, 5)
	for name, c := range map[string]struct {
		given *string
		want  string
		size  int
	}{
		"an update that does not name it": {nil, first, 3},
		"an update that names it":         {new(scalingName), second, 5},
		"an update to a revision":         {new(scalingName + "/1"), first, 3},
	} {
		t.Run(name, func(t *testing.T) {
			w.update(t, &api.UpdateServiceRequest{ServiceArn: arn, AutoScalingConfigurationArn: new(first)})
			out, err := w.UpdateService(t.Context(), caller, &api.UpdateServiceRequest{ServiceArn: arn, AutoScalingConfigurationArn: c.given})
			if err != nil || *out.Service.AutoScalingConfigurationSummary.AutoScalingConfigurationArn != c.want {
				t.Fatalf("update = %+v, %v; want %s", out, err, c.want)
			}
			if n := w.next(t, arn).MinSize; n != c.size {
				t.Errorf("deployment has %d instances, want %d", n, c.size)
			}
			w.finish(t, arn, true)
		})
	}
}

func TestObservability_IsEchoedInFull(t *testing.T) {
	const name = "arn:aws:apprunner:us-east-1:123456789012:observabilityconfiguration/"
	for what, c := range map[string]struct{ given, want *string }{
		"by name":     {new(name + "tracing"), new(someObservability)},
		"by revision": {new(name + "tracing/1"), new(someObservability)},
		"by ARN":      {new(someObservability), new(someObservability)},
		"not named":   {nil, new(name + "DefaultConfiguration/1/00000000000000000000000000000001")},
	} {
		t.Run(what, func(t *testing.T) {
			w, in := newWorld(t), createRequest("web-app")
			w.have(t, someObservability, api.ObservabilityConfiguration{})
			observedBy(c.given)(in)
			out, err := w.CreateService(t.Context(), caller, in)
			if err != nil || *out.Service.ObservabilityConfiguration.ObservabilityConfigurationArn != *c.want {
				t.Errorf("create = %+v, %v; want %s", out, err, *c.want)
			}
		})
	}
}

// TestService_HoldsAConnectionNamedWithoutItsID because what is in use is looked for by its full ARN.
func TestService_HoldsAConnectionNamedWithoutItsID(t *testing.T) {
	w, in := newWorld(t), createRequest("web-app")
	w.have(t, someConnection, api.Connection{Status: new(api.ConnectionAvailable)})
	in.SourceConfiguration.AuthenticationConfiguration = &api.AuthenticationConfiguration{
		ConnectionArn: new(strings.TrimSuffix(someConnection, "/0123456789abcdef0123456789abcdef")),
	}
	out, err := w.CreateService(t.Context(), caller, in)
	if err != nil {
		t.Fatal(err)
	}
	if got := *out.Service.SourceConfiguration.AuthenticationConfiguration.ConnectionArn; got != someConnection || !w.inUse(t, someConnection) {
		t.Errorf("service shows %s, in use: %t; want the full ARN of a connection in use", got, w.inUse(t, someConnection))
	}
}

func TestConnection_MustBeAvailable(t *testing.T) {
	for status, part := range map[api.ConnectionStatus]string{
		api.ConnectionPendingHandshake: "The connection github is PENDING_HANDSHAKE and must be AVAILABLE. Complete it with `apron connection authorize github`",
		api.ConnectionError:            "is ERROR and must be AVAILABLE",
		api.ConnectionAvailable:        "",
	} {
		t.Run(string(status), func(t *testing.T) {
			w, in := newWorld(t), codeRequest("web-app")
			w.have(t, someConnection, api.Connection{Status: &status})
			in.SourceConfiguration.AuthenticationConfiguration = &api.AuthenticationConfiguration{ConnectionArn: new(someConnection)}
			_, err := w.CreateService(t.Context(), caller, in)
			if part == "" {
				if err != nil || !w.inUse(t, someConnection) {
					t.Errorf("create = %v, in use: %t; want a service that uses the connection", err, w.inUse(t, someConnection))
				}
				return
			}
			wantKind(t, err, api.KindInvalidRequest, part)
		})
	}
}

func TestUpdateService_LetsGoOfTheConnectorOnlyWhenItIsDeployed(t *testing.T) {
	w := newWorld(t)
	arn := w.rested(t)
	direct := &api.UpdateServiceRequest{ServiceArn: arn, NetworkConfiguration: &api.NetworkConfiguration{
		EgressConfiguration: &api.EgressConfiguration{EgressType: new(api.EgressDefault)},
	}}
	if _, err := w.UpdateService(t.Context(), caller, direct); err != nil {
		t.Fatal(err)
	}
	if !w.inUse(t, someConnector) {
		t.Error("the connector is free while the update may still go back to it")
	}
	w.finish(t, arn, true)
	if w.inUse(t, someConnector) {
		t.Error("the connector is in use by nobody")
	}
}

func TestStoredCodeService_MergesAndStaysCode(t *testing.T) {
	w := newWorld(t)
	arn := w.create(t, "web-app").ServiceArn
	err := w.store.Update(t.Context(), func(tx *store.Tx) error {
		svc, err := tx.Service(arn)
		if err != nil {
			return err
		}
		svc.Service.SourceConfiguration = codeRequest("x").SourceConfiguration
		return tx.PutService(svc)
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.UpdateService(t.Context(), caller, &api.UpdateServiceRequest{
		ServiceArn: arn, SourceConfiguration: createRequest("x").SourceConfiguration,
	})
	wantKind(t, err, api.KindInvalidRequest, "can't switch a service from CodeRepository to ImageRepository")
	in := codeRequest("x").SourceConfiguration
	in.CodeRepository.CodeConfiguration = &api.CodeConfiguration{
		ConfigurationSource:     api.ConfigurationSourceAPI,
		CodeConfigurationValues: &api.CodeConfigurationValues{Runtime: api.RuntimeNodeJS22, Port: new("http")},
	}
	_, err = w.UpdateService(t.Context(), caller, &api.UpdateServiceRequest{ServiceArn: arn, SourceConfiguration: in})
	// The commands are kept, or they would be missed too.
	wantKind(t, err, api.KindInvalidRequest, `Port "http" isn't a port`)
	if err != nil && strings.Contains(err.Error(), "detected") {
		t.Errorf("more than the port is at fault: %v", err)
	}
}
