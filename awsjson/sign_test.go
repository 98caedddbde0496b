package awsjson

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"apron/cli/clitest"
)

// askSigner prints the Authorization that the AWS CLI gives to a request for each URL.
const askSigner = `
import datetime, json, sys, types
import awscli
import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
now = datetime.datetime(2026, 1, 2, 3, 4, 5)
botocore.auth.datetime = types.SimpleNamespace(datetime=types.SimpleNamespace(utcnow=lambda: now))
answers = []
for c in json.load(sys.stdin):
    headers = {'X-Amz-Target': c['Target'], 'Content-Type': 'application/x-amz-json-1.0', 'User-Agent': 'x'}
    request = AWSRequest('POST', c['URL'], headers, data=c['Body'].encode())
    botocore.auth.SigV4Auth(Credentials('AKID', 'se/cr+et', c['Token'] or None), 'apprunner', c['Region']).add_auth(request)
    answers.append(request.headers['Authorization'])
json.dump(answers, sys.stdout)
`

type signCase struct{ URL, Target, Body, Token, Region string }

// signCases has no IPv6 address: the AWS CLI signs those without their brackets, and is refused.
func signCases() []signCase {
	var cases []signCase
	for _, url := range []string{
		"http://127.0.0.1:4566/", "http://127.0.0.1:80/", "https://example.com:443/", "https://example.com:80/", "http://Example.COM/",
		"http://user:pw@example.com/", "http://h/base/path", "http://h/base/path/", "http://h//a//./b/../c/", "http://h/..",
		"http://h/a%20b/~c:d@e!*'()", "http://h/a%2Fb", "http://h/%7e", "http://h/?b=2&a=1&a=0", "http://h/p?x-y=%20",
	} {
		cases = append(cases, signCase{url, "AppRunner.PauseService", `{"ServiceArn":"é"}`, "", "us-east-1"})
	}
	return append(cases, signCase{"http://h/", "Apron.X", "{}", "tok/en+=  spaces ", "eu-west-1"}, signCase{"http://h/", "A  b c", "", "", ""})
}

func TestSignRequest_IsTheAWSCLIs(t *testing.T) {
	cases := signCases()
	var want []string
	clitest.Python(t, askSigner, cases, &want)
	for i, c := range cases {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = hostHeader(r.URL)
		r.Header.Set("X-Amz-Target", c.Target)
		r.Header.Set("Content-Type", "application/x-amz-json-1.0")
		r.Header.Set("User-Agent", "y")
		r.Header.Set("Accept-Encoding", "identity")
		signRequest(r, []byte(c.Body), Credentials{"AKID", "se/cr+et", c.Token}, "apprunner", c.Region, time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC))
		if got := r.Header.Get("Authorization"); got != want[i] {
			t.Errorf("%+v:\ngot  %s\nwant %s", c, got, want[i])
		}
	}
}

func BenchmarkSignRequest(b *testing.B) {
	c := Client{Endpoint: "http://127.0.0.1:4566", Region: "us-east-1", Credentials: signedBy}
	body := []byte(strings.Repeat("x", 200))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.request(b.Context(), "PauseService", body); err != nil {
			b.Fatal(err)
		}
	}
}
