package control_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"apron/api"
	"apron/control"
	"apron/store"
)

const scalingPrefix = "arn:aws:apprunner:us-east-1:123456789012:autoscalingconfiguration/"

const providedScaling = scalingPrefix + "DefaultConfiguration/1/00000000000000000000000000000001"

// under is the same store behind a Control with other quotas.
func (w *world) under(q control.Quotas) *world {
	other := &world{store: w.store}
	other.Control = control.New(control.Config{
		Store: w.store, Wake: func(string) {}, Settle: func() {},
		Host:     func(label, region string) string { return label + "." + region },
		TokenKey: []byte("0123456789abcdef0123456789abcdef"), Quotas: q,
	})
	return other
}

// scaling makes the name's next revision.
func (w *world) scaling(t testing.TB, name string) *api.AutoScalingConfiguration {
	t.Helper()
	out, err := w.CreateAutoScalingConfiguration(t.Context(), caller, &api.CreateAutoScalingConfigurationRequest{AutoScalingConfigurationName: name})
	if err != nil {
		t.Fatal(err)
	}
	return out.AutoScalingConfiguration
}

func (w *world) describeScaling(t *testing.T, arn string) *api.AutoScalingConfiguration {
	t.Helper()
	out, err := w.DescribeAutoScalingConfiguration(t.Context(), caller, &api.DescribeAutoScalingConfigurationRequest{AutoScalingConfigurationArn: arn})
	if err != nil {
		t.Fatal(err)
	}
	return out.AutoScalingConfiguration
}

func (w *world) deleteScaling(t *testing.T, arn string, all bool) (*api.AutoScalingConfiguration, error) {
	t.Helper()
	out, err := w.DeleteAutoScalingConfiguration(t.Context(), caller, &api.DeleteAutoScalingConfigurationRequest{
		AutoScalingConfigurationArn: arn, DeleteAllRevisions: &all,
	})
	if err != nil {
		return nil, err
	}
	return out.AutoScalingConfiguration, nil
}

func (w *world) setDefault(t *testing.T, arn string) *api.AutoScalingConfiguration {
	t.Helper()
	out, err := w.UpdateDefaultAutoScalingConfiguration(t.Context(), caller, &api.UpdateDefaultAutoScalingConfigurationRequest{AutoScalingConfigurationArn: arn})
	if err != nil {
		t.Fatal(err)
	}
	return out.AutoScalingConfiguration
}

// bind makes a service that uses the configurations with these full ARNs, as it is when its deployment has ended.
func (w *world) bind(t *testing.T, name, scaling, tracing string) string {
	t.Helper()
	arn := w.create(t, name).ServiceArn
	err := w.store.Update(t.Context(), func(tx *store.Tx) error {
		svc, err := tx.Service(arn)
		svc.Service.AutoScalingConfigurationSummary = &api.AutoScalingConfigurationSummary{AutoScalingConfigurationArn: &scaling}
		svc.Service.ObservabilityConfiguration = &api.ServiceObservabilityConfiguration{ObservabilityEnabled: true, ObservabilityConfigurationArn: &tracing}
		svc.Deployed = &store.Deployment{Config: svc.Service}
		return errors.Join(err, tx.PutService(svc))
	})
	if err != nil {
		t.Fatal(err)
	}
	return arn
}

// revisionsOf shows a list as NAME/REVISION, with a star at the default.
func revisionsOf(out *api.ListAutoScalingConfigurationsResponse) []string {
	var list []string
	for _, s := range out.AutoScalingConfigurationSummaryList {
		text := fmt.Sprintf("%s/%d", *s.AutoScalingConfigurationName, *s.AutoScalingConfigurationRevision)
		if *s.IsDefault {
			text += "*"
		}
		list = append(list, text)
	}
	return list
}

func (w *world) listScalings(t *testing.T, body string) []string {
	t.Helper()
	var in api.ListAutoScalingConfigurationsRequest
	if err := api.Decode([]byte(body), &in); err != nil {
		t.Fatal(err)
	}
	out, err := w.ListAutoScalingConfigurations(t.Context(), caller, &in)
	if err != nil {
		t.Fatal(err)
	}
	return revisionsOf(out)
}

func TestCreateAutoScalingConfiguration_AnswersInFull(t *testing.T) {
	w := newWorld(t)
	made := w.scaling(t, "high")
	made.CreatedAt = nil
	got, err := json.Marshal(made)
	want := `{"AutoScalingConfigurationArn":"` + *made.AutoScalingConfigurationArn + `","AutoScalingConfigurationName":"high",` +
		`"AutoScalingConfigurationRevision":1,"Latest":true,"Status":"active","MaxConcurrency":100,"MinSize":1,"MaxSize":25,` +
		`"HasAssociatedService":false,"IsDefault":false}`
	if string(got) != want || err != nil {
		t.Errorf("made %s, %v; want %s", got, err, want)
	}
	if parsed, err := api.ParseARN(*made.AutoScalingConfigurationArn); err != nil || parsed.Partial() || parsed.Revision != 1 {
		t.Errorf("its ARN is %+v, %v", parsed, err)
	}
}

func TestCreateAutoScalingConfiguration_KeepsSizesAndTags(t *testing.T) {
	w := newWorld(t)
	out, err := w.CreateAutoScalingConfiguration(t.Context(), caller, &api.CreateAutoScalingConfigurationRequest{
		AutoScalingConfigurationName: "high", MaxConcurrency: new(7), MinSize: new(3), MaxSize: new(4),
		Tags: []api.Tag{{Key: new("stage"), Value: new("test")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	made := out.AutoScalingConfiguration
	if *made.MaxConcurrency != 7 || *made.MinSize != 3 || *made.MaxSize != 4 {
		t.Errorf("made %d, %d, %d", *made.MaxConcurrency, *made.MinSize, *made.MaxSize)
	}
	tags, err := w.ListTagsForResource(t.Context(), caller, &api.ListTagsForResourceRequest{ResourceArn: *made.AutoScalingConfigurationArn})
	if err != nil || len(tags.Tags) != 1 || *tags.Tags[0].Value != "test" {
		t.Errorf("tags = %+v, %v", tags, err)
	}
}

func TestCreateAutoScalingConfiguration_RefusesWhatCannotBe(t *testing.T) {
	tests := map[string]struct {
		in   api.CreateAutoScalingConfigurationRequest
		kind api.Kind
		part string
	}{
		"min above max":    {api.CreateAutoScalingConfigurationRequest{MinSize: new(5), MaxSize: new(4)}, api.KindInvalidRequest, "MinSize is 5 and must not be greater than MaxSize, which is 4"},
		"max above quota":  {api.CreateAutoScalingConfigurationRequest{MaxSize: new(26)}, api.KindQuotaExceeded, "--quota instances-per-service=26"},
		"tag of apron":     {api.CreateAutoScalingConfigurationRequest{Tags: []api.Tag{{Key: new("apron:x"), Value: new("")}}}, api.KindInvalidRequest, "apron:x"},
		"tag without name": {api.CreateAutoScalingConfigurationRequest{Tags: []api.Tag{{}}}, api.KindInvalidRequest, "Key"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			tt.in.AutoScalingConfigurationName = "high"
			_, err := w.CreateAutoScalingConfiguration(t.Context(), caller, &tt.in)
			wantKind(t, err, tt.kind, tt.part)
			if got := w.listScalings(t, `{"AutoScalingConfigurationName":"high"}`); got != nil {
				t.Errorf("something was made: %v", got)
			}
		})
	}
}

func TestQuotaOfInstances_BoundsWhatIsNotGiven(t *testing.T) {
	small := control.DefaultQuotas()
	small.InstancesPerService = 4
	w := newWorld(t).under(small)
	if made, provided := w.scaling(t, "high"), w.describeScaling(t, providedScaling); *made.MaxSize != 4 || *provided.MaxSize != 4 {
		t.Errorf("MaxSize is %d, and %d of the provided one; want 4", *made.MaxSize, *provided.MaxSize)
	}
	_, err := w.CreateAutoScalingConfiguration(t.Context(), caller, &api.CreateAutoScalingConfigurationRequest{
		AutoScalingConfigurationName: "wide", MinSize: new(5),
	})
	wantKind(t, err, api.KindInvalidRequest, "which is 4")
}

func TestRevisions_AreCountedUpAndNeverReused(t *testing.T) {
	w := newWorld(t)
	first, second := w.scaling(t, "high"), w.scaling(t, "high")
	if *second.AutoScalingConfigurationRevision != 2 || !*second.Latest {
		t.Errorf("second = %d, latest %t", *second.AutoScalingConfigurationRevision, *second.Latest)
	}
	if again := w.describeScaling(t, *first.AutoScalingConfigurationArn); *again.Latest {
		t.Error("the first revision is latest beside the second")
	}
	gone, err := w.deleteScaling(t, scalingPrefix+"high", false)
	if err != nil || *gone.AutoScalingConfigurationRevision != 2 || *gone.Latest || *gone.Status != "inactive" || gone.DeletedAt == nil {
		t.Fatalf("deleted %+v, %v; want the latest", gone, err)
	}
	if again := w.describeScaling(t, scalingPrefix+"high"); *again.AutoScalingConfigurationRevision != 1 || !*again.Latest {
		t.Errorf("the name means %d, latest %t; want the first", *again.AutoScalingConfigurationRevision, *again.Latest)
	}
	if again := w.describeScaling(t, scalingPrefix+"high/2"); *again.Status != "inactive" || *again.Latest || again.DeletedAt == nil {
		t.Errorf("the deleted one is described as %+v", again)
	}
	if third := w.scaling(t, "high"); *third.AutoScalingConfigurationRevision != 3 || !*third.Latest {
		t.Errorf("third = %d", *third.AutoScalingConfigurationRevision)
	}
}

func TestCreateAutoScalingConfiguration_TwoAtOnceGetTwoRevisions(t *testing.T) {
	w := newWorld(t)
	var got [5]int
	var made sync.WaitGroup
	for i := range got {
		made.Go(func() {
			out, err := w.CreateAutoScalingConfiguration(t.Context(), caller, &api.CreateAutoScalingConfigurationRequest{AutoScalingConfigurationName: "high"})
			if err != nil {
				t.Error(err)
				return
			}
			got[i] = *out.AutoScalingConfiguration.AutoScalingConfigurationRevision
		})
	}
	made.Wait()
	slices.Sort(got[:])
	if got != [5]int{1, 2, 3, 4, 5} {
		t.Errorf("revisions %v", got)
	}
}

func TestProvidedAutoScaling_IsTheDefaultOfEveryAccountAndRegion(t *testing.T) {
	w := newWorld(t)
	for _, c := range []api.Caller{caller, {Account: "210987654321", Region: "us-east-1"}, {Account: "123456789012", Region: "eu-west-1"}} {
		out, err := w.ListAutoScalingConfigurations(t.Context(), c, &api.ListAutoScalingConfigurationsRequest{})
		if err != nil || !slices.Equal(revisionsOf(out), []string{"DefaultConfiguration/1*"}) {
			t.Fatalf("%v lists %v, %v", c, out, err)
		}
		want := strings.NewReplacer("us-east-1", c.Region, "123456789012", c.Account).Replace(providedScaling)
		if got := *out.AutoScalingConfigurationSummaryList[0].AutoScalingConfigurationArn; got != want {
			t.Errorf("its ARN is %s, want %s", got, want)
		}
	}
}

func TestProvidedConfigurations_CanBeTaggedAtOnce(t *testing.T) {
	w := newWorld(t)
	for _, arn := range []string{providedScaling, providedTracing} {
		_, err := w.TagResource(t.Context(), caller, &api.TagResourceRequest{ResourceArn: arn, Tags: []api.Tag{{Key: new("a"), Value: new("b")}}})
		if err != nil {
			t.Error(err)
		}
	}
}

func TestProvidedAutoScaling_IsLikeAnyOtherOnceItIsNotTheDefault(t *testing.T) {
	w := newWorld(t)
	if second := w.scaling(t, "DefaultConfiguration"); *second.AutoScalingConfigurationRevision != 2 || *second.IsDefault {
		t.Errorf("second = %+v", second)
	}
	w.setDefault(t, scalingPrefix+"DefaultConfiguration")
	if _, err := w.deleteScaling(t, providedScaling, false); err != nil {
		t.Fatal(err)
	}
	if got := w.listScalings(t, `{"LatestOnly":false}`); !slices.Equal(got, []string{"DefaultConfiguration/2*"}) {
		t.Errorf("listed %v", got)
	}
}

func TestUpdateDefault_TakesEveryFormAndLeavesOne(t *testing.T) {
	w := newWorld(t)
	first := *w.scaling(t, "high").AutoScalingConfigurationArn
	w.scaling(t, "high")
	bound := w.bind(t, "web-app", providedScaling, providedTracing)
	for name, tt := range map[string]struct{ arn, want string }{
		"full":              {first, "high/1*"},
		"name and revision": {scalingPrefix + "high/1", "high/1*"},
		"name":              {scalingPrefix + "high", "high/2*"},
		"the one it was":    {providedScaling, "DefaultConfiguration/1*"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := w.setDefault(t, tt.arn); !*got.IsDefault {
				t.Errorf("reply = %+v", got)
			}
			listed := w.listScalings(t, `{"LatestOnly":false}`)
			isDefault := func(s string) bool { return strings.HasSuffix(s, "*") }
			if i := slices.IndexFunc(listed, isDefault); listed[i] != tt.want || slices.ContainsFunc(listed[i+1:], isDefault) {
				t.Errorf("listed %v, want one default, %s", listed, tt.want)
			}
		})
	}
	w.setDefault(t, first)
	if got := w.describeScaling(t, providedScaling); !*got.HasAssociatedService {
		t.Errorf("service %s has changed with the default", bound)
	}
}

func TestDeleteAutoScalingConfiguration_RefusesTheDefaultAndThoseInUse(t *testing.T) {
	const inUse = "You can't delete the auto scaling configuration. It's used by one or more services. To delete it, update the services to use other auto scaling configurations."
	tests := map[string]struct {
		arn  string
		all  bool
		part string
	}{
		"in use":           {scalingPrefix + "used/1", false, inUse},
		"all, one in use":  {scalingPrefix + "used", true, inUse},
		"default":          {providedScaling, false, "make another one the default with UpdateDefaultAutoScalingConfiguration"},
		"all, one default": {scalingPrefix + "DefaultConfiguration", true, "make another one the default"},
		"all of revision":  {scalingPrefix + "free/1", true, "With DeleteAllRevisions the ARN must end with the name: " + scalingPrefix + "free."},
		"all of full ARN":  {providedScaling, true, "With DeleteAllRevisions the ARN must end with the name"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			used := w.scaling(t, "used")
			w.scaling(t, "used")
			w.scaling(t, "free")
			w.bind(t, "web-app", *used.AutoScalingConfigurationArn, providedTracing)
			before := w.listScalings(t, `{"LatestOnly":false}`)
			_, err := w.deleteScaling(t, tt.arn, tt.all)
			wantKind(t, err, api.KindInvalidRequest, tt.part)
			if after := w.listScalings(t, `{"LatestOnly":false}`); !slices.Equal(before, after) {
				t.Errorf("listed %v before and %v after", before, after)
			}
		})
	}
}

func TestDeleteAllRevisions_AnswersWithTheNameAlone(t *testing.T) {
	w := newWorld(t)
	w.scaling(t, "high")
	w.scaling(t, "high")
	gone, err := w.deleteScaling(t, scalingPrefix+"high", true)
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(gone)
	want := `{"AutoScalingConfigurationArn":"` + scalingPrefix + `high","AutoScalingConfigurationName":"high","Status":"inactive"}`
	if string(got) != want || err != nil {
		t.Errorf("reply %s, %v; want %s", got, err, want)
	}
	if got := w.listScalings(t, `{"LatestOnly":false}`); !slices.Equal(got, []string{"DefaultConfiguration/1*"}) {
		t.Errorf("listed %v", got)
	}
	_, err = w.deleteScaling(t, scalingPrefix+"high", true)
	wantKind(t, err, api.KindNotFound, "No auto scaling configuration")
}

func TestListAutoScalingConfigurations_Selects(t *testing.T) {
	w := newWorld(t)
	w.scaling(t, "high")
	w.scaling(t, "other")
	w.scaling(t, "high")
	w.scaling(t, "high")
	if _, err := w.deleteScaling(t, scalingPrefix+"high/3", false); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		standard, body string
		want           []string
	}{
		"latest":                  {"DefaultConfiguration", `{}`, []string{"DefaultConfiguration/1*", "other/1", "high/2"}},
		"latest, said":            {"DefaultConfiguration", `{"LatestOnly":true}`, []string{"DefaultConfiguration/1*", "other/1", "high/2"}},
		"all":                     {"DefaultConfiguration", `{"LatestOnly":false}`, []string{"DefaultConfiguration/1*", "high/1", "other/1", "high/2"}},
		"of a name":               {"other", `{"AutoScalingConfigurationName":"high"}`, []string{"high/2"}},
		"all of a name":           {"other", `{"AutoScalingConfigurationName":"high","LatestOnly":false}`, []string{"high/1", "high/2"}},
		"of no name":              {"other", `{"AutoScalingConfigurationName":"none"}`, nil},
		"latest and default":      {"high/1", `{}`, []string{"DefaultConfiguration/1", "high/1*", "other/1", "high/2"}},
		"of a name, with default": {"high/1", `{"AutoScalingConfigurationName":"high"}`, []string{"high/1*", "high/2"}},
		"default of another name": {"high/1", `{"AutoScalingConfigurationName":"other"}`, []string{"other/1"}},
	} {
		t.Run(name, func(t *testing.T) {
			w.setDefault(t, scalingPrefix+tt.standard)
			if got := w.listScalings(t, tt.body); !slices.Equal(got, tt.want) {
				t.Errorf("listed %v, want %v", got, tt.want)
			}
		})
	}
}

func TestListServicesForAutoScalingConfiguration_TakesEveryForm(t *testing.T) {
	w := newWorld(t)
	used := *w.scaling(t, "used").AutoScalingConfigurationArn
	want := []string{w.bind(t, "service-a", used, providedTracing), w.bind(t, "service-b", used, providedTracing)}
	w.bind(t, "service-c", providedScaling, providedTracing)
	for name, arn := range map[string]string{"full": used, "name and revision": scalingPrefix + "used/1", "name": scalingPrefix + "used"} {
		t.Run(name, func(t *testing.T) {
			in := &api.ListServicesForAutoScalingConfigurationRequest{AutoScalingConfigurationArn: arn, MaxResults: new(1)}
			var got []string
			for more := true; more; more = in.NextToken != nil {
				out, err := w.ListServicesForAutoScalingConfiguration(t.Context(), caller, in)
				if err != nil {
					t.Fatal(err)
				}
				got, in.NextToken = append(got, out.ServiceArnList...), out.NextToken
			}
			if !slices.Equal(got, want) {
				t.Errorf("listed %v, want %v", got, want)
			}
		})
	}
}

func TestListServicesForAutoScalingConfiguration_WithoutAnyIsEmpty(t *testing.T) {
	w := newWorld(t)
	out, err := w.ListServicesForAutoScalingConfiguration(t.Context(), caller, &api.ListServicesForAutoScalingConfigurationRequest{AutoScalingConfigurationArn: providedScaling})
	if got, _ := json.Marshal(out); string(got) != `{"ServiceArnList":[]}` || err != nil {
		t.Errorf("reply %s, %v", got, err)
	}
}

func TestAutoScalingARNs_ThatLeadNowhere(t *testing.T) {
	w := newWorld(t)
	w.scaling(t, "gone")
	if _, err := w.deleteScaling(t, scalingPrefix+"gone", false); err != nil {
		t.Fatal(err)
	}
	calls := map[string]func(string) error{
		"describe": func(arn string) error {
			_, err := w.DescribeAutoScalingConfiguration(t.Context(), caller, &api.DescribeAutoScalingConfigurationRequest{AutoScalingConfigurationArn: arn})
			return err
		},
		"delete": func(arn string) error {
			_, err := w.deleteScaling(t, arn, false)
			return err
		},
		"list services": func(arn string) error {
			_, err := w.ListServicesForAutoScalingConfiguration(t.Context(), caller, &api.ListServicesForAutoScalingConfigurationRequest{AutoScalingConfigurationArn: arn})
			return err
		},
		"set default": func(arn string) error {
			_, err := w.UpdateDefaultAutoScalingConfiguration(t.Context(), caller, &api.UpdateDefaultAutoScalingConfigurationRequest{AutoScalingConfigurationArn: arn})
			return err
		},
	}
	for name, tt := range map[string]struct {
		arn  string
		kind api.Kind
	}{
		"unknown name":     {scalingPrefix + "none", api.KindNotFound},
		"unknown revision": {scalingPrefix + "DefaultConfiguration/2", api.KindNotFound},
		"unknown id":       {scalingPrefix + "DefaultConfiguration/1/00000000000000000000000000000002", api.KindNotFound},
		"all deleted":      {scalingPrefix + "gone", api.KindNotFound},
		"another kind":     {providedTracing, api.KindInvalidRequest},
		"another account":  {strings.Replace(providedScaling, "123456789012", "210987654321", 1), api.KindInvalidRequest},
		"another region":   {strings.Replace(providedScaling, "us-east-1", "eu-west-1", 1), api.KindInvalidRequest},
		"malformed":        {scalingPrefix + "DefaultConfiguration/x", api.KindInvalidRequest},
	} {
		for action, call := range calls {
			t.Run(action+" "+name, func(t *testing.T) { wantKind(t, call(tt.arn), tt.kind, "") })
		}
	}
	wantKind(t, calls["set default"](scalingPrefix+"gone/1"), api.KindNotFound, "is deleted")
	wantKind(t, calls["delete"](scalingPrefix+"gone/1"), api.KindNotFound, "is deleted")
}
