package wait_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"apron/api"
	"apron/awsjson"
	"apron/cli/wait"
)

const first, newest = "00000000000000000000000000000001", "00000000000000000000000000000002"

// operations are those of a service, newest first, one on each page.
var operations = []api.OperationSummary{summary(newest, api.OperationPauseService), summary(first, api.OperationCreateService)}

func summary(id string, t api.OperationType) api.OperationSummary {
	return api.OperationSummary{Id: &id, Type: &t, Status: new(api.OperationSucceeded), TargetArn: new(arn)}
}

const arn = "arn:aws:apprunner:us-east-1:123456789012:service/web-app/00000000000000000000000000000001"

func listOperations(_ context.Context, _ api.Caller, in *api.ListOperationsRequest) (*api.ListOperationsResponse, error) {
	if in.NextToken != nil {
		return &api.ListOperationsResponse{OperationSummaryList: operations[1:]}, nil
	}
	return &api.ListOperationsResponse{OperationSummaryList: operations[:1], NextToken: new("next")}, nil
}

func describeOperation(_ context.Context, _ api.Caller, in *api.DescribeOperationRequest) (*api.DescribeOperationResponse, error) {
	return &api.DescribeOperationResponse{Operation: &api.Operation{
		Id: in.OperationId, Type: api.OperationPauseService, Status: api.OperationSucceeded, Step: new("drain")}}, nil
}

// serve is a server of apron's, or one that has none of apron's own actions, like AWS's.
func serve(t *testing.T, own bool) *httptest.Server {
	t.Helper()
	platform := awsjson.New(awsjson.Config{
		Log: slog.New(slog.DiscardHandler), Key: func(context.Context, string) (awsjson.Key, bool, error) {
			return awsjson.Key{Secret: "secret", Account: "123456789012"}, true, nil
		},
		Actions: map[string]awsjson.Handler{"ListOperations": awsjson.Handle(listOperations), "DescribeOperation": awsjson.Handle(describeOperation)},
	})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !own && strings.HasPrefix(r.Header.Get("X-Amz-Target"), "Apron.") {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"__type":"com.amazon.coral.service#UnknownOperationException"}`))
			return
		}
		platform.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server
}

// TestFrom_DoesWithoutApronsOwnActions: a wait works on AWS too, and knows no steps there.
func TestFrom_DoesWithoutApronsOwnActions(t *testing.T) {
	for _, c := range []struct {
		own      bool
		id, want string
		step     string
	}{
		{true, "", newest, "drain"},
		{true, first, first, "drain"},
		{false, "", newest, ""},
		{false, first, first, ""},
	} {
		source := wait.From(client(serve(t, c.own).URL))
		op, err := source.Operation(t.Context(), arn, c.id)
		if err != nil || op == nil {
			t.Fatalf("own actions %v, id %q: got %v, %v", c.own, c.id, op, err)
		}
		step := ""
		if op.Step != nil {
			step = *op.Step
		}
		if op.Id != c.want || step != c.step {
			t.Errorf("own actions %v, id %q: got operation %s in step %q", c.own, c.id, op.Id, step)
		}
	}
	if op, err := wait.From(client(serve(t, false).URL)).Operation(t.Context(), arn, "00000000000000000000000000000003"); op != nil || err != nil {
		t.Errorf("an operation that is not there: %v, %v", op, err)
	}
}

func client(url string) *awsjson.Client {
	return &awsjson.Client{Endpoint: url, Region: "us-east-1", Credentials: func(context.Context) (awsjson.Credentials, error) {
		return awsjson.Credentials{AccessKeyID: "AKIA", SecretAccessKey: "secret"}, nil
	}}
}
