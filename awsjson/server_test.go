package awsjson

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"apron/api"
)

const (
	testKey     = "AKIDEXAMPLE"
	testSecret  = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	testAccount = "123456789012"
	testARN     = "arn:aws:apprunner:us-east-1:123456789012:service/web-app/0123456789abcdef0123456789abcdef"
)

func testKeys(_ context.Context, id string) (Key, bool, error) {
	return Key{Secret: testSecret, Account: testAccount}, id == testKey, nil
}

// start runs a server with the actions given and returns its URL. logged stops the server, so that the lines of all
// requests are there, and returns them.
func start(t testing.TB, config Config) (url string, logged func() string) {
	t.Helper()
	var log bytes.Buffer
	config.Log = slog.New(slog.NewJSONHandler(&log, nil))
	if config.Key == nil {
		config.Key = testKeys
	}
	server := httptest.NewServer(New(config))
	t.Cleanup(server.Close)
	return server.URL, func() string {
		server.Close()
		return log.String()
	}
}

// newRequest returns a signed request for an action.
func newRequest(t testing.TB, url, action, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Target", "AppRunner."+action)
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	sign(t, r, body)
	return r
}

// sign signs a request as aws-sdk-go-v2 does, with what its headers are now.
func sign(t testing.TB, r *http.Request, body string) {
	t.Helper()
	credentials := aws.Credentials{AccessKeyID: testKey, SecretAccessKey: testSecret}
	if err := v4.NewSigner().SignHTTP(t.Context(), credentials, r, sha256Hex(body), "apprunner", "us-east-1", time.Now()); err != nil {
		t.Fatal(err)
	}
}

func sha256Hex(s string) string {
	hash := sha256.Sum256([]byte(s))
	return hex.EncodeToString(hash[:])
}

type answer struct {
	status    int
	errorType string
	requestID string
	body      string
	header    http.Header
}

func send(t testing.TB, r *http.Request) answer {
	t.Helper()
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	h := response.Header
	return answer{response.StatusCode, h.Get("X-Amzn-ErrorType"), h.Get("x-amzn-RequestId"), string(body), h}
}

// echo answers DescribeService with the ARN asked for.
func echo(_ context.Context, _ api.Caller, in *api.DescribeServiceRequest) (*api.DescribeServiceResponse, error) {
	return &api.DescribeServiceResponse{Service: &api.Service{ServiceArn: in.ServiceArn}}, nil
}

func failing(err error) Handler {
	return func(context.Context, api.Caller, []byte) (any, error) { return nil, err }
}

func TestServerAnswers(t *testing.T) {
	var got api.Caller
	url, logged := start(t, Config{Actions: map[string]Handler{"ListServices": Handle(
		func(_ context.Context, c api.Caller, in *api.ListServicesRequest) (*api.ListServicesResponse, error) {
			got = c
			return &api.ListServicesResponse{NextToken: in.NextToken}, nil
		})}})
	a := send(t, newRequest(t, url, "ListServices", `{"NextToken":"<&>"}`))
	if a.status != 200 || a.body != `{"ServiceSummaryList":[],"NextToken":"\u003c\u0026\u003e"}` || a.errorType != "" {
		t.Errorf("got %+v", a)
	}
	if ct := a.header.Get("Content-Type"); ct != "application/x-amz-json-1.0" {
		t.Errorf("the content type is %s", ct)
	}
	if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(a.requestID) {
		t.Errorf("the request id is %q", a.requestID)
	}
	want := api.Caller{Account: testAccount, Region: "us-east-1", AccessKeyID: testKey, RequestID: a.requestID}
	if got != want {
		t.Errorf("the handler saw %+v, want %+v", got, want)
	}
	log := logged()
	if n := strings.Count(log, "\n"); n != 1 || !strings.Contains(log, a.requestID) {
		t.Errorf("logged %d lines: %s", n, log)
	}
}

func TestServerMapsErrors(t *testing.T) {
	const body = `{"ServiceArn":"` + testARN + `"}`
	cause := errors.New("secret cause")
	tests := map[string]struct {
		action string
		err    error
		status int
		want   string // ID stands for the request id
	}{
		"invalid request": {"PauseService", api.InvalidRequest("No."), 400, `{"__type":"com.amazonaws.apprunner#InvalidRequestException","Message":"No."}`},
		"invalid state":   {"PauseService", api.InvalidState("No."), 400, `{"__type":"com.amazonaws.apprunner#InvalidStateException","Message":"No."}`},
		"not found":       {"PauseService", api.NotFound("No."), 400, `{"__type":"com.amazonaws.apprunner#ResourceNotFoundException","Message":"No."}`},
		"quota":           {"CreateService", api.QuotaExceeded("No."), 400, `{"__type":"com.amazonaws.apprunner#ServiceQuotaExceededException","Message":"No."}`},
		"internal":        {"PauseService", api.Internal("No disk."), 500, `{"__type":"com.amazonaws.apprunner#InternalServiceErrorException","Message":"No disk."}`},
		"wrapped":         {"PauseService", fmt.Errorf("pause: %w", api.NotFound("No.").WithCause(cause)), 400, `{"__type":"com.amazonaws.apprunner#ResourceNotFoundException","Message":"No."}`},
		"undeclared":      {"StartDeployment", api.InvalidState("No."), 400, `{"__type":"com.amazonaws.apprunner#InvalidRequestException","Message":"No."}`},
		"anything else": {"PauseService", cause, 500, `{"__type":"com.amazonaws.apprunner#InternalServiceErrorException","Message":"The request failed because of an error inside the server. ` +
			`Try again; if it fails again, the server's log has the cause under request id ID."}`},
		"cancelled": {"PauseService", fmt.Errorf("load: %w", context.Canceled), 400, `{"__type":"com.amazon.coral.service#RequestAbortedException","message":"The request ended before it could be answered. Send it again."}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			url, logged := start(t, Config{Actions: map[string]Handler{tt.action: failing(tt.err)}})
			a := send(t, newRequest(t, url, tt.action, body))
			if want := strings.ReplaceAll(tt.want, "ID.", a.requestID+"."); a.status != tt.status || a.body != want {
				t.Errorf("got %d %s\nwant %d %s", a.status, a.body, tt.status, want)
			}
			if !strings.Contains(a.body, "#"+a.errorType+`"`) {
				t.Errorf("X-Amzn-ErrorType is %q in %s", a.errorType, a.body)
			}
			if log, want := logged(), errors.Is(tt.err, cause); strings.Contains(log, cause.Error()) != want {
				t.Errorf("want the cause logged: %t; %s", want, log)
			}
		})
	}
}

func TestServerAnswersOwnActions(t *testing.T) {
	describe := func(_ context.Context, _ api.Caller, in *api.DescribeOperationRequest) (*api.DescribeOperationResponse, error) {
		return &api.DescribeOperationResponse{Operation: &api.Operation{Id: in.OperationId, TargetArn: in.ServiceArn}}, nil
	}
	url, _ := start(t, Config{Actions: map[string]Handler{"DescribeOperation": Handle(describe)}})
	for body, want := range map[string]string{
		`{"ServiceArn":"` + testARN + `","OperationId":"17fe9f55-7e91-4097-b243-fcabbb69a4cf"}`: `{"Operation":{"Id":"17fe9f55-7e91-4097-b243-fcabbb69a4cf","Type":"",`,
		`{"ServiceArn":"` + testARN + `","OperationId":"x"}`:                                    `{"__type":"com.amazonaws.apprunner#InvalidRequestException",`,
	} {
		r := newRequest(t, url, "DescribeOperation", body)
		r.Header.Set("X-Amz-Target", "Apron.DescribeOperation")
		sign(t, r, body)
		if a := send(t, r); !strings.HasPrefix(a.body, want) {
			t.Errorf("%s: got %d %s, want %s", body, a.status, a.body, want)
		}
	}
}

func TestServerRefusesBeforeTheHandler(t *testing.T) {
	never := func(context.Context, api.Caller, *api.DescribeServiceRequest) (*api.DescribeServiceResponse, error) {
		return nil, errors.New("the handler ran")
	}
	url, _ := start(t, Config{Actions: map[string]Handler{"DescribeService": Handle(never)}})
	large := `{"ServiceArn":"` + strings.Repeat("x", maxBody) + `"}`
	const coral = `{"__type":"com.amazon.coral.service#`
	const hint = ` Expected AppRunner.ACTION, such as AppRunner.ListServices."}`
	tests := map[string]struct {
		action string
		body   string
		change func(*http.Request)
		status int
		want   string
	}{
		"not built yet": {action: "CreateVpcConnector", body: `{}`, status: 500,
			want: `{"__type":"com.amazonaws.apprunner#InternalServiceErrorException","Message":"The action CreateVpcConnector is not built into this version of apron yet. Run apron --help to see what is."}`},
		"unknown action": {action: "MakeCoffee", body: `{}`, status: 404,
			want: coral + `UnknownOperationException","message":"X-Amz-Target names no action of App Runner: AppRunner.MakeCoffee.` + hint},
		"action in another casing": {action: "describeService", body: `{}`, status: 404,
			want: coral + `UnknownOperationException","message":"X-Amz-Target names no action of App Runner: AppRunner.describeService.` + hint},
		"own action by App Runner's target": {action: "CancelOperation", body: `{}`, status: 404,
			want: coral + `UnknownOperationException","message":"X-Amz-Target names no action of App Runner: AppRunner.CancelOperation.` + hint},
		"another service's target": {action: "DescribeService", body: `{}`, status: 404, change: func(r *http.Request) { r.Header.Set("X-Amz-Target", "DynamoDB_20120810.ListTables") },
			want: coral + `UnknownOperationException","message":"X-Amz-Target names no action of App Runner: DynamoDB_20120810.ListTables.` + hint},
		"no target": {action: "DescribeService", body: `{}`, status: 404, change: func(r *http.Request) { r.Header.Del("X-Amz-Target") },
			want: coral + `UnknownOperationException","message":"The request has no X-Amz-Target header, such as AppRunner.ListServices. Use an AWS client."}`},
		"another method": {action: "DescribeService", body: `{}`, status: 405, change: func(r *http.Request) { r.Method = "PUT" },
			want: coral + `UnknownOperationException","message":"The App Runner API answers POST / alone, not PUT /."}`},
		"GET of another path": {action: "DescribeService", status: 404, change: func(r *http.Request) { r.Method, r.URL.Path, r.Body, r.ContentLength = "GET", "/x", nil, 0 },
			want: coral + `UnknownOperationException","message":"The App Runner API answers POST / alone, not GET /x."}`},
		"another path": {action: "DescribeService", body: `{}`, status: 404, change: func(r *http.Request) { r.URL.Path = "/v1/services" },
			want: coral + `UnknownOperationException","message":"The App Runner API answers POST / alone, not POST /v1/services."}`},
		"too large": {action: "DescribeService", body: large, status: 413,
			want: coral + `RequestEntityTooLargeException","message":"The request body is larger than 1048576 bytes. Send less; large files belong into the image."}`},
		"no signature": {action: "DescribeService", body: `{}`, status: 403, change: func(r *http.Request) { r.Header.Del("Authorization") },
			want: coral + `MissingAuthenticationTokenException","message":"Request is missing Authentication Token: it has no Authorization header. Sign it with AWS Signature Version 4; eval \"$(apron env)\" gives AWS clients the keys."}`},
		"no JSON": {action: "DescribeService", body: `ServiceArn=x`, status: 400,
			want: coral + `SerializationException","message":"The request body is not valid JSON: invalid character 'S' looking for beginning of value (byte 1)"}`},
		"null": {action: "DescribeService", body: `null`, status: 400,
			want: coral + `SerializationException","message":"The request body must be an object, and is null"}`},
		"wrong type": {action: "DescribeService", body: `{"ServiceArn":1}`, status: 400,
			want: coral + `SerializationException","message":"The request body is not what the API expects at 'serviceArn': it must be a string, and is a number"}`},
		"violated constraints": {action: "DescribeService", body: `{}`, status: 400,
			want: `{"__type":"com.amazonaws.apprunner#InvalidRequestException","Message":"1 validation error detected: Value null at 'serviceArn' failed to satisfy constraint: Member must not be null"}`},
		"unknown encoding": {action: "DescribeService", body: `{}`, status: 400, change: func(r *http.Request) { r.Header.Set("Content-Encoding", "br"); sign(t, r, `{}`) },
			want: coral + `MalformedHttpRequestException","message":"The Content-Encoding br is not known here. Use gzip or none."}`},
		"no gzip": {action: "DescribeService", body: `{}`, status: 400, change: func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip"); sign(t, r, `{}`) },
			want: coral + `MalformedHttpRequestException","message":"The request body is not valid gzip, although its Content-Encoding says so. Send it again, or plain."}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRequest(t, url, tt.action, tt.body)
			if tt.change != nil {
				tt.change(r)
			}
			a := send(t, r)
			if a.status != tt.status || a.body != strings.NewReplacer("<", `\u003c`).Replace(tt.want) {
				t.Errorf("got  %d %s\nwant %d %s", a.status, a.body, tt.status, tt.want)
			}
			if !strings.Contains(a.body, "#"+a.errorType+`"`) || a.requestID == "" {
				t.Errorf("X-Amzn-ErrorType is %q, the request id %q", a.errorType, a.requestID)
			}
		})
	}
}

func TestServerRecoversAPanicOfAHandler(t *testing.T) {
	url, logged := start(t, Config{Actions: map[string]Handler{
		"DescribeService": func(context.Context, api.Caller, []byte) (any, error) { panic("boom of the handler") },
	}})
	a := send(t, newRequest(t, url, "DescribeService", `{}`))
	if a.status != 500 || a.errorType != "InternalServiceErrorException" || !strings.Contains(a.body, a.requestID) || strings.Contains(a.body, "boom") {
		t.Errorf("got %+v", a)
	}
	log := logged()
	for _, want := range []string{`"level":"ERROR"`, "boom of the handler", "server_test.go", a.requestID} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %s: %s", want, log)
		}
	}
}

func TestServerAnswersInternalErrorForNoOutputAndForOutputThatIsNoJSON(t *testing.T) {
	none := func(context.Context, api.Caller, *api.ListServicesRequest) (*api.ListServicesResponse, error) {
		return nil, nil
	}
	url, _ := start(t, Config{Actions: map[string]Handler{
		"ListServices":    Handle(none),
		"ListConnections": func(context.Context, api.Caller, []byte) (any, error) { return func() {}, nil },
	}})
	for _, action := range []string{"ListServices", "ListConnections"} {
		if a := send(t, newRequest(t, url, action, `{}`)); a.status != 500 || a.errorType != "InternalServiceErrorException" {
			t.Errorf("%s: got %+v", action, a)
		}
	}
}

func TestLogNamesTheRequestAndHidesWhatIsSecret(t *testing.T) {
	const planted = "planted-s3cr3t"
	create := func(context.Context, api.Caller, *api.CreateServiceRequest) (*api.CreateServiceResponse, error) {
		return nil, api.QuotaExceeded("No more services.")
	}
	url, logged := start(t, Config{Actions: map[string]Handler{"DescribeService": Handle(echo), "CreateService": Handle(create)}})
	send(t, newRequest(t, url, "DescribeService", `{"ServiceArn":"`+testARN+`"}`))
	for _, body := range []string{
		`{"ServiceName":"web-app","SourceConfiguration":{"ImageRepository":{"ImageIdentifier":"web","ImageRepositoryType":"ECR","ImageConfiguration":{"RuntimeEnvironmentVariables":{"A":"` + planted + `"}}}}}`,
		`{"ServiceArn":"` + planted + `"}`,
		`{"ServiceName":5,"StartCommand":"` + planted + `"}`,
	} {
		send(t, newRequest(t, url, "CreateService", body))
	}
	text := logged()
	first, _, _ := strings.Cut(text, "\n")
	for _, want := range []string{`"action":"DescribeService"`, `"request_id":"`, `"account":"` + testAccount + `"`, `"service_arn":"` + testARN + `"`, `"status":200`, `"duration":`} {
		if !strings.Contains(first, want) {
			t.Errorf("the line lacks %s: %s", want, first)
		}
	}
	for _, secret := range []string{planted, testSecret, "AWS4-HMAC-SHA256"} {
		if strings.Contains(text, secret) {
			t.Errorf("the log shows %s: %s", secret, text)
		}
	}
	if strings.Count(text, "\n") != 4 || !strings.Contains(text, `"error_type":"ServiceQuotaExceededException"`) {
		t.Errorf("logged %s", text)
	}
}

func TestNewRefusesAnActionThatTheModelLacks(t *testing.T) {
	defer func() {
		if p := recover(); p != "awsjson: the model has no action PauseServices" {
			t.Errorf("recovered %v", p)
		}
	}()
	New(Config{Actions: map[string]Handler{"PauseServices": failing(nil)}})
}

// One DescribeService from the socket-free server: verify, decode, encode.
func BenchmarkDescribeService(b *testing.B) {
	summary := &api.AutoScalingConfigurationSummary{AutoScalingConfigurationName: new("DefaultConfiguration"), Status: new(api.AutoScalingConfigurationActive)}
	service := &api.Service{
		ServiceName: "web-app", ServiceArn: testARN, Status: api.StatusRunning, CreatedAt: api.At(time.Now()), UpdatedAt: api.At(time.Now()),
		SourceConfiguration:   &api.SourceConfiguration{ImageRepository: &api.ImageRepository{ImageIdentifier: "web:1", ImageRepositoryType: api.ImageRepositoryECR}},
		InstanceConfiguration: &api.InstanceConfiguration{Cpu: new("1024"), Memory: new("2048")},
		NetworkConfiguration:  &api.NetworkConfiguration{}, AutoScalingConfigurationSummary: summary,
	}
	describe := func(context.Context, api.Caller, *api.DescribeServiceRequest) (*api.DescribeServiceResponse, error) {
		return &api.DescribeServiceResponse{Service: service}, nil
	}
	server := New(Config{Log: slog.New(slog.DiscardHandler), Key: testKeys, Actions: map[string]Handler{"DescribeService": Handle(describe)}})
	body := `{"ServiceArn":"` + testARN + `"}`
	r := newRequest(b, "http://127.0.0.1:4080", "DescribeService", body)
	r.Host = r.URL.Host
	b.ReportAllocs()
	for b.Loop() {
		r.Body = io.NopCloser(strings.NewReader(body))
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		if w.Code != 200 {
			b.Fatal(w.Body)
		}
	}
}

func TestReadOnlyKeysDescribeAndListAlone(t *testing.T) {
	done := func(context.Context, api.Caller, []byte) (any, error) { return struct{}{}, nil }
	url, _ := start(t, Config{
		Actions: map[string]Handler{"ListServices": done, "PauseService": done},
		Key: func(context.Context, string) (Key, bool, error) {
			return Key{Secret: testSecret, Account: testAccount, ReadOnly: true}, true, nil
		},
	})
	for action, want := range map[string]int{"ListServices": http.StatusOK, "PauseService": http.StatusForbidden} {
		resp, err := http.DefaultClient.Do(newRequest(t, url, action, "{}"))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: status %d, want %d", action, resp.StatusCode, want)
		}
	}
}

func TestAKeyThatCannotBeLookedUpIsOurFault(t *testing.T) {
	url, logged := start(t, Config{Key: func(context.Context, string) (Key, bool, error) {
		return Key{}, false, errors.New("disk on fire")
	}})
	resp, err := http.DefaultClient.Do(newRequest(t, url, "ListServices", "{}"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusInternalServerError || !strings.Contains(logged(), "disk on fire") {
		t.Errorf("status %d, want 500 with the cause in the log", resp.StatusCode)
	}
}
