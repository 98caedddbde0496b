package awsjson

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"apron/cli/clitest"
)

// askBotocore calls PauseService at each endpoint with the library of the AWS CLI, which does not sleep, and prints what
// the CLI would print.
const askBotocore = `
import json, os, sys, time, types
for name in list(os.environ):
    if name.startswith('AWS_') or name.lower().endswith('_proxy'):
        del os.environ[name]
os.environ['AWS_EC2_METADATA_DISABLED'] = 'true'
import awscli  # has a botocore of its own, which the next line finds
import botocore.endpoint, botocore.session
from botocore.config import Config
botocore.endpoint.time = types.SimpleNamespace(sleep=lambda seconds: None)
session = botocore.session.Session()
session.set_credentials('AKIDEXAMPLE', 'secret')
answers = []
for c in json.load(sys.stdin):
    for name in ['HTTP_PROXY', 'https_proxy', 'NO_PROXY']:
        os.environ.pop(name, None)
    os.environ.update(c['Env'] or {})
    config = Config(retries={'mode': c['Mode'], 'max_attempts': c['Attempts']}, read_timeout=c['ReadTimeout'], connect_timeout=c['ConnectTimeout'])
    client = session.create_client('apprunner', region_name='us-east-1', endpoint_url=c['URL'], config=config, verify=c['Verify'])
    try:
        client.pause_service(ServiceArn='x')
        answers.append('')
    except Exception as e:
        answers.append(str(e))
json.dump(answers, sys.stdout)
`

// botocoreCase is a call of PauseService.
type botocoreCase struct {
	URL                         string
	Mode                        string
	Attempts                    int
	ReadTimeout, ConnectTimeout float64 // in seconds
	Verify                      any     // bool, or the path of a bundle
	Env                         map[string]string
}

func caseAt(url string) botocoreCase {
	return botocoreCase{URL: url, Mode: "standard", Attempts: 2, ReadTimeout: 60, ConnectTimeout: 60, Verify: true}
}

// canned are answers as they are written to the connection, which is closed then. A % cuts what follows from the head.
var canned = map[string][]string{
	"refused":             {"400 Bad Request%{\"__type\":\"InvalidStateException\",\"Message\":\"no\"}"},
	"namespace":           {"400 Bad Request%{\"__type\":\"a.b#C#InvalidStateException\",\"message\":\"é\"}"},
	"both messages":       {"400 Bad Request%{\"__type\":\"X\",\"message\":\"small\",\"Message\":\"large\"}"},
	"twice":               {"400 Bad Request%{\"__type\":\"X\",\"__type\":\"Y\",\"message\":\"a\",\"message\":\"b\"}"},
	"code":                {"400 Bad Request%{\"code\":\"SomeCode\",\"Code\":\"Other\",\"MESSAGE\":\"m\"}"},
	"error type header":   {"400 Bad Request\r\nX-Amzn-ErrorType: FromHeader:http://x%{}"},
	"query error":         {"400 Bad Request\r\nX-Amzn-Query-Error: a#Compatible;Sender%{\"__type\":\"X\"}"},
	"query error, broken": {"400 Bad Request\r\nX-Amzn-Query-Error: Compatible%{\"__type\":\"X\"}"},
	"query error, empty":  {"400 Bad Request\r\nX-Amzn-Query-Error: ;Sender%{\"__type\":\"X\"}"},
	"query error, two":    {"400 Bad Request\r\nX-Amzn-Query-Error: A;B\r\nX-Amzn-Query-Error: C%{\"__type\":\"X\"}"},
	"type null":           {"400 Bad Request%{\"__type\":null,\"message\":null}"},
	"type empty":          {"400 Bad Request%{\"__type\":\"\",\"message\":\"\"}"},
	"type number":         {"400 Bad Request%{\"__type\":1}"},
	"type float":          {"400 Bad Request%{\"__type\":1.5}"},
	"type bool":           {"400 Bad Request%{\"__type\":true}"},
	"type list":           {"400 Bad Request%{\"__type\":[]}"},
	"type object":         {"400 Bad Request%{\"__type\":{}}"},
	"message true":        {"400 Bad Request%{\"__type\":\"X\",\"message\":true}"},
	"message int":         {"400 Bad Request%{\"__type\":\"X\",\"message\":12345678901234567890123}"},
	"message float":       {"400 Bad Request%{\"__type\":\"X\",\"message\":[1.0,0.00001,1e16,1e15,123456.789,-2e-3,1e999]}"},
	"message object":      {"400 Bad Request%{\"__type\":\"X\",\"message\":{\"a\":[\"it's\",\"\\\"\",\"it's \\\"\",\"\\n\\u0001\\\\é\\u200b\"],\"b\":{}}}"},
	"bare list":           {"400 Bad Request%[]"},
	"bare null":           {"400 Bad Request%null"},
	"bare string":         {"400 Bad Request%\"x\""},
	"bare int":            {"400 Bad Request% 1 "},
	"bare float":          {"400 Bad Request%1e1"},
	"bare bool":           {"400 Bad Request%false"},
	"text":                {"404 Not Found%<b>not found</b>\n"},
	"text with a mark":    {"404 Not Found%\ufeff{}"},
	"half JSON":           {"404 Not Found%{\"__type\":\"X\""},
	"two JSON":            {"404 Not Found%{}{}"},
	"blank":               {"404 Not Found% \n"},
	"nothing":             {"404 Not Found%"},
	"odd status":          {"499 Odd%{}"},
	"throttled":           {"400 Bad Request%{\"__type\":\"ThrottlingException\",\"message\":\"slow\"}", "429 X%{\"__type\":\"TooManyRequestsException\"}"},
	"throttled, once":     {"400 Bad Request%{\"__type\":\"x#SlowDown\"}", "200 OK%{}"},
	"request timeout":     {"408 X%{\"__type\":\"RequestTimeout\"}", "400 X%{\"__type\":\"RequestTimeoutException\"}"},
	"status 429":          {"429 Too Many Requests%{}"},
	"status 408":          {"408 Request Timeout%"},
	"status 500":          {"500 Internal Server Error%{\"__type\":\"InternalServiceErrorException\",\"Message\":\"boom\"}"},
	"status 500, once":    {"500 X%", "200 OK%{}"},
	"status 500, then 4":  {"500 X%", "400 X%{\"__type\":\"X\"}"},
	"status 500, text":    {"500 X%oops"},
	"status 500, page":    {"500 X%\f <html>oops"},
	"status 500, Page":    {"500 X%<HTML>oops"},
	"status 501":          {"501 Not Implemented%"},
	"status 502":          {"502 X%  "},
	"status 503":          {"503 X%<html><body>"},
	"status 504":          {"504 X%"},
	"status 505":          {"505 X%"},
	"status 599":          {"599 X%"},
	"status 300":          {"300 X%{\"__type\":\"X\"}"},
	"status 300, null":    {"300 X%null"},
	"status 300, id":      {"300 X\r\nx-amzn-RequestId: 1%null"},
	"status 301":          {"301 X\r\nLocation: /elsewhere%{\"__type\":\"X\",\"message\":\"moved\"}"},
	"status 302":          {"302 X\r\nLocation: :%moved"},
	"status 304":          {"304 X%"},
	"status 307":          {"307 X\r\nLocation: /elsewhere%"},
	"status 204":          {"204 X%"},
	"status 201":          {"201 X%{}"},
	"success":             {"200 OK%{}"},
	"success, text":       {"200 OK%<html>"},
	"success, empty":      {"200 OK%"},
	"success, null":       {"200 OK%null"},
	"success, null, id":   {"200 OK\r\nx-amzn-RequestId: 1%\tnull\n"},
	"no start byte":       {"200 OK%\x80"},
	"no end":              {"400 OK%{\"message\":\"\xe2\x82"},
	"no continuation":     {"500 OK%{\"a\xe2\x28\xa1"},
	"no third byte":       {"200 OK%\xe2\x82\x28"},
	"surrogate":           {"200 OK%\xed\xa0\x80"},
	"overlong":            {"200 OK%\xf0\x80\x80\x80"},
	"beyond":              {"200 OK%é\xf4\x90\x80\x80"},
	"gzip":                {"400 OK\r\nContent-Encoding: gzip%\x1f\x8b\x08\x00"},
	"closed":              {""},
	"closed, once":        {"", "200 OK%{}"},
	"not HTTP":            {"!hello\r\n"},
	"short":               {"!HTTP/1.1 400 X\r\nContent-Length: 100\r\n\r\n{\"__type\":\"X\"}"},
	"short success":       {"!HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\n{}"},
	"no length":           {"!HTTP/1.1 400 X\r\n\r\n{\"__type\":\"X\"}"},
	"old":                 {"!HTTP/1.0 400 X\r\n\r\n{\"__type\":\"X\"}"},
	"chunks":              {"!HTTP/1.1 400 X\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"},
	"chunks, short":       {"!HTTP/1.1 400 X\r\nTransfer-Encoding: chunked\r\n\r\n30\r\nabc"},
	"chunks, bad":         {"!HTTP/1.1 400 X\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n"},
	"lines":               {"!HTTP/1.1 400 X\nA: b\n\n{\"__type\":\"X\"}"},
	"no reason":           {"!HTTP/1.1 400\r\n\r\n{\"__type\":\"X\"}"},
	"status 99":           {"!HTTP/1.1 99 X\r\n\r\n{}"},
	"status 1000":         {"!HTTP/1.1 1000 X\r\n\r\n{}"},
	"HTTP 2":              {"!HTTP/2 400 X\r\n\r\n{}"},
	"header of bytes":     {"!HTTP/1.1 400 X\r\nA: \xff\r\n\r\n{\"__type\":\"X\"}"},
	"continue":            {"!HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 400 X\r\n\r\n{\"__type\":\"X\"}"},
}

// cannedServer answers the requests to /NAME as canned has them, the last answer again and again, and counts them.
type cannedServer struct {
	mu    sync.Mutex
	count map[string]int
}

func (s *cannedServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	name := strings.ReplaceAll(r.URL.Path[1:], "_", " ")
	s.mu.Lock()
	answers := canned[name]
	text := answers[min(s.count[name], len(answers)-1)]
	s.count[name]++
	s.mu.Unlock()
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	io.WriteString(conn, cannedText(text))
}

// cannedText writes a head around a short form.
func cannedText(text string) string {
	if verbatim, ok := strings.CutPrefix(text, "!"); ok || text == "" {
		return verbatim
	}
	head, body, _ := strings.Cut(text, "%")
	return fmt.Sprintf("HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", head, len(body), body)
}

// taken are the counts since the last call.
func (s *cannedServer) taken() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	count := s.count
	s.count = map[string]int{}
	return count
}

// config is that of the transport which the case needs.
func (c botocoreCase) config() TransportConfig {
	var environ []string
	for name, value := range c.Env {
		environ = append(environ, name+"="+value)
	}
	verify, _ := c.Verify.(bool)
	path, isPath := c.Verify.(string)
	return TransportConfig{
		NoVerifySSL: !verify && !isPath, CABundle: path, Proxy: EnvironmentProxy(environ),
		ConnectTimeout: time.Duration(c.ConnectTimeout * float64(time.Second)), ReadTimeout: time.Duration(c.ReadTimeout * float64(time.Second)),
	}
}

// ask is what Client makes of the case.
func (c botocoreCase) ask(ctx context.Context) string {
	client := &Client{
		Endpoint: c.URL, Region: "us-east-1", Credentials: signedBy, Retry: Retry{c.Mode, c.Attempts},
		HTTP: &http.Client{Transport: Transport(c.config())}, pause: func(context.Context, time.Duration) error { return nil },
	}
	if _, err := client.Do(ctx, "PauseService", []byte(`{"ServiceArn":"x"}`)); err != nil {
		return err.Error()
	}
	return ""
}

func TestDo_FailsAsTheAWSCLIDoes(t *testing.T) {
	s := &cannedServer{count: map[string]int{}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	var names []string
	var cases []botocoreCase
	for name := range canned {
		names = append(names, name)
		cases = append(cases, caseAt(server.URL+"/"+strings.ReplaceAll(name, " ", "_")))
	}
	var want []string
	clitest.Python(t, askBotocore, cases, &want)
	wantRequests := s.taken()
	for i, c := range cases {
		got := c.ask(t.Context())
		if got != want[i] {
			t.Errorf("%s:\ngot  %s\nwant %s", names[i], got, want[i])
		}
	}
	for name, got := range s.taken() {
		if want := wantRequests[name]; got != want {
			t.Errorf("%s: %d requests, want %d", name, got, want)
		}
	}
}
