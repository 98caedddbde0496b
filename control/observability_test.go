package control_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"apron/api"
)

const tracingPrefix = "arn:aws:apprunner:us-east-1:123456789012:observabilityconfiguration/"

const providedTracing = tracingPrefix + "DefaultConfiguration/1/00000000000000000000000000000001"

// tracing makes the name's next revision.
func (w *world) tracing(t *testing.T, name string) *api.ObservabilityConfiguration {
	t.Helper()
	out, err := w.CreateObservabilityConfiguration(t.Context(), caller, &api.CreateObservabilityConfigurationRequest{
		ObservabilityConfigurationName: name, TraceConfiguration: &api.TraceConfiguration{Vendor: api.TracingVendorAWSXRay},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.ObservabilityConfiguration
}

func (w *world) describeTracing(t *testing.T, arn string) *api.ObservabilityConfiguration {
	t.Helper()
	out, err := w.DescribeObservabilityConfiguration(t.Context(), caller, &api.DescribeObservabilityConfigurationRequest{ObservabilityConfigurationArn: arn})
	if err != nil {
		t.Fatal(err)
	}
	return out.ObservabilityConfiguration
}

func (w *world) deleteTracing(t *testing.T, arn string) (*api.ObservabilityConfiguration, error) {
	t.Helper()
	out, err := w.DeleteObservabilityConfiguration(t.Context(), caller, &api.DeleteObservabilityConfigurationRequest{ObservabilityConfigurationArn: arn})
	if err != nil {
		return nil, err
	}
	return out.ObservabilityConfiguration, nil
}

func (w *world) listTracings(t *testing.T, body string) []string {
	t.Helper()
	var in api.ListObservabilityConfigurationsRequest
	if err := api.Decode([]byte(body), &in); err != nil {
		t.Fatal(err)
	}
	out, err := w.ListObservabilityConfigurations(t.Context(), caller, &in)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, s := range out.ObservabilityConfigurationSummaryList {
		list = append(list, fmt.Sprintf("%s/%d", *s.ObservabilityConfigurationName, *s.ObservabilityConfigurationRevision))
	}
	return list
}

func TestCreateObservabilityConfiguration_AnswersInFull(t *testing.T) {
	w := newWorld(t)
	made := w.tracing(t, "traces")
	made.CreatedAt = nil
	got, err := json.Marshal(made)
	want := `{"ObservabilityConfigurationArn":"` + *made.ObservabilityConfigurationArn + `","ObservabilityConfigurationName":"traces",` +
		`"TraceConfiguration":{"Vendor":"AWSXRAY"},"ObservabilityConfigurationRevision":1,"Latest":true,"Status":"ACTIVE"}`
	if string(got) != want || err != nil {
		t.Errorf("made %s, %v; want %s", got, err, want)
	}
}

func TestCreateObservabilityConfiguration_WithoutTracingHasNone(t *testing.T) {
	w := newWorld(t)
	out, err := w.CreateObservabilityConfiguration(t.Context(), caller, &api.CreateObservabilityConfigurationRequest{
		ObservabilityConfigurationName: "none", Tags: []api.Tag{{Key: new("stage"), Value: new("test")}},
	})
	if err != nil || out.ObservabilityConfiguration.TraceConfiguration != nil {
		t.Fatalf("made %+v, %v", out, err)
	}
	tags, err := w.ListTagsForResource(t.Context(), caller, &api.ListTagsForResourceRequest{ResourceArn: *out.ObservabilityConfiguration.ObservabilityConfigurationArn})
	if err != nil || len(tags.Tags) != 1 {
		t.Errorf("tags = %+v, %v", tags, err)
	}
}

func TestCreateObservabilityConfiguration_RefusesTheReservedName(t *testing.T) {
	_, err := newWorld(t).CreateObservabilityConfiguration(t.Context(), caller, &api.CreateObservabilityConfigurationRequest{ObservabilityConfigurationName: "DefaultConfiguration"})
	wantKind(t, err, api.KindInvalidRequest, "DefaultConfiguration is reserved")
}

func TestProvidedObservability_IsInEveryAccountAndRegion(t *testing.T) {
	w := newWorld(t)
	for _, arn := range []string{providedTracing, tracingPrefix + "DefaultConfiguration/1", tracingPrefix + "DefaultConfiguration"} {
		got := w.describeTracing(t, arn)
		if *got.ObservabilityConfigurationArn != providedTracing || got.TraceConfiguration.Vendor != "AWSXRAY" || !*got.Latest {
			t.Errorf("%s is %+v", arn, got)
		}
		_, err := w.deleteTracing(t, arn)
		wantKind(t, err, api.KindInvalidRequest, "You can't delete the observability configuration DefaultConfiguration.")
	}
	out, err := w.ListObservabilityConfigurations(t.Context(), api.Caller{Account: "210987654321", Region: "eu-west-1"}, &api.ListObservabilityConfigurationsRequest{})
	want := `{"ObservabilityConfigurationSummaryList":[{"ObservabilityConfigurationArn":"arn:aws:apprunner:eu-west-1:210987654321:observabilityconfiguration/` +
		`DefaultConfiguration/1/00000000000000000000000000000001","ObservabilityConfigurationName":"DefaultConfiguration","ObservabilityConfigurationRevision":1}]}`
	if got, _ := json.Marshal(out); string(got) != want || err != nil {
		t.Errorf("listed %s, %v; want %s", got, err, want)
	}
}

func TestObservabilityRevisions_AreCountedUpAndNeverReused(t *testing.T) {
	w := newWorld(t)
	w.tracing(t, "traces")
	w.tracing(t, "traces")
	gone, err := w.deleteTracing(t, tracingPrefix+"traces")
	if err != nil || *gone.ObservabilityConfigurationRevision != 2 || *gone.Latest || *gone.Status != "INACTIVE" || gone.DeletedAt == nil {
		t.Fatalf("deleted %+v, %v; want the latest", gone, err)
	}
	if again := w.describeTracing(t, *gone.ObservabilityConfigurationArn); *again.Status != "INACTIVE" || *again.Latest {
		t.Errorf("the deleted one is described as %+v", again)
	}
	if again := w.describeTracing(t, tracingPrefix+"traces"); *again.ObservabilityConfigurationRevision != 1 || !*again.Latest {
		t.Errorf("the name means %+v; want the first", again)
	}
	if third := w.tracing(t, "traces"); *third.ObservabilityConfigurationRevision != 3 {
		t.Errorf("third = %d", *third.ObservabilityConfigurationRevision)
	}
	_, err = w.deleteTracing(t, tracingPrefix+"traces/2")
	wantKind(t, err, api.KindNotFound, "is deleted")
}

func TestDeleteObservabilityConfiguration_RefusesOneInUse(t *testing.T) {
	w := newWorld(t)
	made := *w.tracing(t, "traces").ObservabilityConfigurationArn
	w.bind(t, "web-app", providedScaling, made)
	_, err := w.deleteTracing(t, made)
	wantKind(t, err, api.KindInvalidRequest, "It's used by one or more services.")
	if again := w.describeTracing(t, made); *again.Status != "ACTIVE" {
		t.Errorf("it is %s", *again.Status)
	}
}

func TestListObservabilityConfigurations_Selects(t *testing.T) {
	w := newWorld(t)
	w.tracing(t, "traces")
	w.tracing(t, "other")
	w.tracing(t, "traces")
	for name, tt := range map[string]struct {
		body string
		want []string
	}{
		"latest":        {`{}`, []string{"DefaultConfiguration/1", "other/1", "traces/2"}},
		"all":           {`{"LatestOnly":false}`, []string{"DefaultConfiguration/1", "traces/1", "other/1", "traces/2"}},
		"of a name":     {`{"ObservabilityConfigurationName":"traces"}`, []string{"traces/2"}},
		"all of a name": {`{"ObservabilityConfigurationName":"traces","LatestOnly":false}`, []string{"traces/1", "traces/2"}},
		"of no name":    {`{"ObservabilityConfigurationName":"none"}`, nil},
		"first page":    {`{"MaxResults":1}`, []string{"DefaultConfiguration/1"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := w.listTracings(t, tt.body); !slices.Equal(got, tt.want) {
				t.Errorf("listed %v, want %v", got, tt.want)
			}
		})
	}
}

func TestObservabilityARNs_ThatLeadNowhere(t *testing.T) {
	w := newWorld(t)
	for name, tt := range map[string]struct {
		arn  string
		kind api.Kind
	}{
		"unknown name":     {tracingPrefix + "none", api.KindNotFound},
		"unknown revision": {tracingPrefix + "DefaultConfiguration/2", api.KindNotFound},
		"another kind":     {providedScaling, api.KindInvalidRequest},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.DescribeObservabilityConfiguration(t.Context(), caller, &api.DescribeObservabilityConfigurationRequest{ObservabilityConfigurationArn: tt.arn})
			wantKind(t, err, tt.kind, "")
			_, err = w.deleteTracing(t, tt.arn)
			wantKind(t, err, tt.kind, "")
		})
	}
}
