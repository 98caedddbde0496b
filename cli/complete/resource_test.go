package complete_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"apron/cli/complete"
	"apron/cli/document"
	"apron/cli/model"
)

const arn = "arn:aws:apprunner:us-east-1:123456789012:"

// answers are what the server in these tests knows, by action and, where it asks for more, the token or ARN.
var answers = map[string]string{
	"ListServices":                                   `{"ServiceSummaryList":[{"ServiceArn":"` + arn + `service/one/1","Status":"RUNNING"}],"NextToken":"more"}`,
	"ListServices more":                              `{"ServiceSummaryList":[{"ServiceArn":"` + arn + `service/two/2","Status":"PAUSED"}]}`,
	"ListConnections":                                `{"ConnectionSummaryList":[{"ConnectionName":"hub","ConnectionArn":"` + arn + `connection/hub/3"}]}`,
	"ListVpcConnectors":                              `{"VpcConnectors":[{"VpcConnectorArn":"` + arn + `vpcconnector/v/1/4"}]}`,
	"ListVpcIngressConnections":                      `{"VpcIngressConnectionSummaryList":[{"VpcIngressConnectionArn":"` + arn + `vpcingressconnection/i/5"}]}`,
	"ListAutoScalingConfigurations":                  `{"AutoScalingConfigurationSummaryList":[{"AutoScalingConfigurationName":"high","AutoScalingConfigurationArn":"` + arn + `autoscalingconfiguration/high/1/6"}]}`,
	"DescribeCustomDomains " + arn + "service/one/1": `{"CustomDomains":[{"DomainName":"example.com"}]}`,
	"ListTagsForResource " + arn + "service/one/1":   `{"Tags":[{"Key":"team","Value":"red"}]}`,
}

// server answers as App Runner's API does, and counts its requests.
func server(t *testing.T) (url string, asked *atomic.Int32) {
	t.Helper()
	asked = &atomic.Int32{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		body, _ := io.ReadAll(r.Body)
		input, _ := document.Parse(string(body))
		var key strings.Builder
		key.WriteString(strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "AppRunner."))
		for _, v := range input.(*document.Map).All() {
			key.WriteString(" " + v.(string))
		}
		answer, ok := answers[key.String()]
		if !ok {
			w.WriteHeader(http.StatusBadRequest)
		}
		io.WriteString(w, answer)
	}))
	t.Cleanup(s.Close)
	return s.URL, asked
}

// at asks the server of that address, whatever the options.
func at(url string) complete.Call {
	return func(ctx context.Context, _ map[string]string, action string, input *document.Map) (*document.Map, error) {
		return post(ctx, url, action, input)
	}
}

func post(ctx context.Context, url, action string, input *document.Map) (*document.Map, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(document.JSON(input, 0, true)))
	if err != nil {
		return nil, err
	}
	r.Header.Set("X-Amz-Target", "AppRunner."+action)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		return nil, errors.Join(err, errors.New(answer.Status))
	}
	v, err := document.Parse(string(text))
	m, _ := v.(*document.Map)
	return m, err
}

func TestComplete_AsksTheServerForResources(t *testing.T) {
	url, asked := server(t)
	c := complete.Completer{Services: []*model.Service{service(t)}, Match: complete.Fuzzy, Call: at(url)}
	one, two := arn+"service/one/1", arn+"service/two/2"
	for line, want := range map[string][]string{
		"apprunner pause-service --service-arn ":                                                         {one, two},
		"apprunner pause-service --service-arn TWO":                                                      {two},
		"apprunner pause-service --service-arn=arn:aws:apprunner:us-east-1:123456789012:service":         {one, two},
		"apprunner delete-connection --connection-arn hub":                                               {arn + "connection/hub/3"},
		"apprunner create-service --auto-scaling-configuration-arn ":                                     {arn + "autoscalingconfiguration/high/1/6"},
		"apprunner tag-resource --resource-arn ":                                                         {one, two, arn + "autoscalingconfiguration/high/1/6", arn + "connection/hub/3", arn + "vpcconnector/v/1/4", arn + "vpcingressconnection/i/5"},
		"apprunner list-connections --connection-name ":                                                  {"hub"},
		"apprunner create-connection --connection-name ":                                                 {},
		"apprunner disassociate-custom-domain --service-arn " + one + " --domain-name ":                  {"example.com"},
		"apprunner disassociate-custom-domain --domain-name ":                                            {},
		"apprunner untag-resource --resource-arn " + one + " --tag-keys x te":                            {"team"},
		"apprunner create-service --source-configuration AuthenticationConfiguration={ConnectionArn=hub": {"AuthenticationConfiguration={ConnectionArn=" + arn + "connection/hub/3", "AuthenticationConfiguration={ConnectionArn=hub}"},
		"apprunner list-vpc-ingress-connections --filter ServiceArn=two":                                 {"ServiceArn=" + two},
		"apprunner describe-observability-configuration --observability-configuration-arn ":              {},
	} {
		if got := words(c.Complete(t.Context(), line)); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
	}
	before := asked.Load()
	c.Complete(t.Context(), "apprunner pause-service --service-arn t")
	if asked.Load() != before {
		t.Error("the server was asked again for the next key of the same word")
	}
	if s := c.Complete(t.Context(), "apprunner pause-service --service-arn TWO"); s[0].Doc != "PAUSED" {
		t.Errorf("the service is described as %q", s[0].Doc)
	}
}

func TestComplete_GoesWhereTheCommandWould(t *testing.T) {
	var got map[string]string
	c := complete.Completer{Services: []*model.Service{service(t)}, Call: func(_ context.Context, options map[string]string, _ string, _ *document.Map) (*document.Map, error) {
		got = options
		return nil, errors.New("refused")
	}}
	if all := c.Complete(t.Context(), "--region eu-west-1 apprunner pause-service --endpoint-url=http://x --no-verify-ssl --service-arn "); len(all) > 0 {
		t.Errorf("a refusal suggests %v", all)
	}
	if len(got) != 3 || got["region"] != "eu-west-1" || got["endpoint-url"] != "http://x" {
		t.Errorf("the options were %v", got)
	}
}

// TestComplete_GivesUpOnASlowServer holds the answer back until the question is given up.
func TestComplete_GivesUpOnASlowServer(t *testing.T) {
	var cause error
	c := complete.Completer{Services: []*model.Service{service(t)}, Timeout: time.Millisecond, Call: func(ctx context.Context, _ map[string]string, _ string, _ *document.Map) (*document.Map, error) {
		<-ctx.Done()
		cause = ctx.Err()
		return nil, cause
	}}
	if all := c.Complete(t.Context(), "apprunner pause-service --service-arn "); len(all) > 0 || !errors.Is(cause, context.DeadlineExceeded) {
		t.Errorf("got %v and %v", all, cause)
	}
}
