package awsjson

import (
	"context"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"apron/api"
)

// AWS's published examples: the signing key of 2015-08-30 for iam, and the requests get-vanilla and post-vanilla of its
// test suite for Signature Version 4.
func TestSignatureOfPublishedExamples(t *testing.T) {
	iam := authorization{date: "20150830", region: "us-east-1", service: "iam", terminator: "aws4_request"}
	key := signingKey(iam, testSecret)
	if got := hex.EncodeToString(key); got != "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9" {
		t.Errorf("the signing key is %s", got)
	}
	const emptyBody = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	a := authorization{date: "20150830", region: "us-east-1", service: "service", terminator: "aws4_request"}
	for method, want := range map[string]string{
		"GET":  "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
		"POST": "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
	} {
		r := httptest.NewRequest(method, "http://example.amazonaws.com/", nil)
		r.Header.Set("X-Amz-Date", "20150830T123600Z")
		at, err := signingTime(r)
		if err != nil {
			t.Fatal(err)
		}
		if got := a.sign(signingKey(a, testSecret), at, canonicalRequest(r, "/", []string{"host", "x-amz-date"}, emptyBody)); got != want {
			t.Errorf("%s: got %s, want %s", method, got, want)
		}
	}
}

// recorded is a PauseService as botocore 1.43 signs it at recordedAt.
func recorded() (r *http.Request, body string) {
	body = `{"ServiceArn":"` + testARN + `"}`
	r = httptest.NewRequest("POST", "http://127.0.0.1:4080/", strings.NewReader(body))
	r.Header.Set("X-Amz-Target", "AppRunner.PauseService")
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("X-Amz-Date", "20261122T203000Z")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261122/us-east-1/apprunner/aws4_request, "+
		"SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=0fc926baf3068dc329e5e28fab867bce5afafcbeef939ad9269864bc01c83e19")
	return r, body
}

var recordedAt = time.Date(2026, 11, 22, 20, 30, 0, 0, time.UTC)

func TestVerifyAcceptsARecordedRequest(t *testing.T) {
	r, body := recorded()
	got, err := verify(r, []byte(body), recordedAt, testKeys, new(signingKeys))
	want := api.Caller{Account: testAccount, Region: "us-east-1", AccessKeyID: testKey}
	if err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, skew := range []time.Duration{-5 * time.Minute, 5 * time.Minute} {
		if _, err := verify(r, []byte(body), recordedAt.Add(skew), testKeys, new(signingKeys)); err != nil {
			t.Errorf("refused when the clock is %s off: %v", skew, err)
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	const mismatch = "InvalidSignatureException: The request signature we calculated does not match the signature you provided. " +
		"Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
	replace := func(old, new string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, new, 1))
		}
	}
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	tests := map[string]struct {
		change func(*http.Request)
		want   string
	}{
		"no Authorization": {func(r *http.Request) { r.Header.Del("Authorization") }, `MissingAuthenticationTokenException: Request is missing Authentication Token: ` +
			`it has no Authorization header. Sign it with AWS Signature Version 4; eval "$(apron env)" gives AWS clients the keys.`},
		"basic":             {set("Authorization", "Basic eDp5"), "IncompleteSignatureException: Unsupported AWS 'algorithm': 'Basic'. Sign with AWS4-HMAC-SHA256."},
		"asymmetric":        {replace("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"), "IncompleteSignatureException: Unsupported AWS 'algorithm': 'AWS4-ECDSA-P256-SHA256'. Sign with AWS4-HMAC-SHA256."},
		"algorithm alone":   {set("Authorization", "AWS4-HMAC-SHA256"), "IncompleteSignatureException: Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter."},
		"no signature":      {replace(", Signature=", ", Sig="), "IncompleteSignatureException: Authorization header requires 'Signature' parameter."},
		"no signed headers": {replace("SignedHeaders=content-type;host;x-amz-date;x-amz-target", "SignedHeaders="), "IncompleteSignatureException: Authorization header requires 'SignedHeaders' parameter."},
		"short credential":  {replace("/us-east-1", ""), "IncompleteSignatureException: Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'AKIDEXAMPLE/20261122/apprunner/aws4_request'."},
		"empty region":      {replace("us-east-1", ""), "IncompleteSignatureException: Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'AKIDEXAMPLE/20261122//apprunner/aws4_request'."},
		"strange region":    {replace("us-east-1", "US_EAST"), "InvalidSignatureException: Credential should be scoped to a valid region, such as us-east-1, not 'US_EAST'."},
		"another region":    {replace("us-east-1", "eu-west-1"), mismatch},
		"another service":   {replace("/apprunner/", "/s3/"), "InvalidSignatureException: Credential should be scoped to correct service: 'apprunner', not 's3'."},
		"terminator":        {replace("aws4_request", "aws5_request"), "InvalidSignatureException: Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5_request'."},
		"another day": {replace("20261122", "20261121"), "InvalidSignatureException: Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: " +
			"'20261121' != '20261122', from '20261122T203000Z'."},
		"unknown key": {replace("AKIDEXAMPLE", "AKIDOTHER"), "UnrecognizedClientException: The security token included in the request is invalid. " +
			`This server does not know the access key AKIDOTHER; eval "$(apron env)" sets one that it knows.`},
		"no date":          {func(r *http.Request) { r.Header.Del("X-Amz-Date") }, "IncompleteSignatureException: Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."},
		"strange date":     {set("X-Amz-Date", "2026-11-22"), "IncompleteSignatureException: The X-Amz-Date header must have the form YYYYMMDD'T'HHMMSS'Z', got '2026-11-22'."},
		"another time":     {set("X-Amz-Date", "20261122T203001Z"), mismatch},
		"another host":     {func(r *http.Request) { r.Host = "127.0.0.1:4081" }, mismatch},
		"another target":   {set("X-Amz-Target", "AppRunner.DeleteService"), mismatch},
		"a second target":  {func(r *http.Request) { r.Header.Add("X-Amz-Target", "AppRunner.DeleteService") }, mismatch},
		"another method":   {func(r *http.Request) { r.Method = "PUT" }, mismatch},
		"a query":          {func(r *http.Request) { r.URL.RawQuery = "a=b" }, mismatch},
		"signature cut":    {replace("0fc926ba", "0fc926b"), mismatch},
		"signature upper":  {replace("0fc926ba", "0FC926BA"), mismatch},
		"host unsigned":    {replace("host;", ""), "InvalidSignatureException: 'host' must be a 'SignedHeader' in the AWS Authorization."},
		"date unsigned":    {replace("x-amz-date;", ""), "InvalidSignatureException: 'x-amz-date' must be a 'SignedHeader' in the AWS Authorization."},
		"target unsigned":  {replace(";x-amz-target", ""), "InvalidSignatureException: 'x-amz-target' must be a 'SignedHeader' in the AWS Authorization."},
		"type unsigned":    {replace("content-type;", ""), "InvalidSignatureException: 'content-type' must be a 'SignedHeader' in the AWS Authorization."},
		"encoding added":   {set("Content-Encoding", "gzip"), "InvalidSignatureException: 'content-encoding' must be a 'SignedHeader' in the AWS Authorization."},
		"payload unsigned": {set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD"), "InvalidSignatureException: X-Amz-Content-Sha256 must be the SHA-256 of the body in hex; 'UNSIGNED-PAYLOAD' is not accepted here."},
		"another payload":  {set("X-Amz-Content-Sha256", strings.Repeat("0", 64)), "InvalidSignatureException: The provided 'x-amz-content-sha256' header does not match what was computed."},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r, body := recorded()
			tt.change(r)
			caller, err := verify(r, []byte(body), recordedAt, testKeys, new(signingKeys))
			if err == nil || err.Error() != tt.want || caller != (api.Caller{}) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
			if e, ok := err.(*exception); !ok || e.status != http.StatusForbidden {
				t.Errorf("got %#v, want HTTP 403", err)
			}
		})
	}
}

func TestVerifyRefusesAnotherBodyOrSecret(t *testing.T) {
	r, body := recorded()
	if _, err := verify(r, []byte(body+" "), recordedAt, testKeys, new(signingKeys)); err == nil || !strings.Contains(err.Error(), "does not match the signature") {
		t.Errorf("another body: got %v", err)
	}
	other := func(context.Context, string) (Key, bool, error) {
		return Key{Secret: "another secret", Account: testAccount}, true, nil
	}
	if _, err := verify(r, []byte(body), recordedAt, other, new(signingKeys)); err == nil || !strings.Contains(err.Error(), "does not match the signature") {
		t.Errorf("another secret: got %v", err)
	}
}

func TestVerifyRefusesClocksThatAreOff(t *testing.T) {
	tests := map[string]struct {
		now  time.Time
		want string
	}{
		"expired": {recordedAt.Add(5*time.Minute + time.Second),
			"InvalidSignatureException: Signature expired: 20261122T203000Z is now earlier than 20261122T203001Z (20261122T203501Z - 5 min.). Set the clocks of client and server."},
		"not yet current": {recordedAt.Add(-5*time.Minute - time.Second),
			"InvalidSignatureException: Signature not yet current: 20261122T203000Z is still later than 20261122T202959Z (20261122T202459Z + 5 min.). Set the clocks of client and server."},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r, body := recorded()
			if _, err := verify(r, []byte(body), tt.now, testKeys, new(signingKeys)); err == nil || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

// Whatever shape aws-sdk-go-v2 gives a request, its signature arrives valid over a real connection, and no longer after
// a change.
func TestVerifyAcceptsTheSDKsSigner(t *testing.T) {
	add := func(name string, values ...string) func(*http.Request) {
		return func(r *http.Request) { r.Header[name] = values }
	}
	tests := map[string]struct {
		body   string
		change func(*http.Request)
	}{
		"plain":             {`{}`, func(*http.Request) {}},
		"no body":           {``, func(*http.Request) {}},
		"large body":        {`"` + strings.Repeat("ü", 400_000) + `"`, func(*http.Request) {}},
		"folded spaces":     {`{}`, add("X-Amz-Meta-A", "  a   b  c ")},
		"two values":        {`{}`, add("X-Amz-Meta-A", "b", " a ")},
		"empty value":       {`{}`, add("X-Amz-Meta-A", "")},
		"session token":     {`{}`, add("X-Amz-Security-Token", "token/with+signs==")},
		"host without port": {`{}`, func(r *http.Request) { r.Host = "apprunner.us-east-1.apron.localhost" }},
		"default port":      {`{}`, func(r *http.Request) { r.Host = "localhost:80" }},
		"a query":           {`{}`, func(r *http.Request) { r.URL.RawQuery = "b=2&a=x%20y&a=%2F~*&c" }},
		"payload hash":      {`{}`, add("X-Amz-Content-Sha256", "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a")},
		"unsigned agent":    {`{}`, add("User-Agent", "aws-cli/2.9.19")},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var verified, tampered error
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				sent, err := readBody(w, r)
				if err != nil {
					t.Error(err)
				}
				_, verified = verify(r, sent, time.Now(), testKeys, new(signingKeys))
				r.Header.Set("Content-Type", "text/plain")
				_, tampered = verify(r, sent, time.Now(), testKeys, new(signingKeys))
			}))
			defer server.Close()
			r := newRequest(t, server.URL, "ListServices", tt.body)
			tt.change(r)
			sign(t, r, tt.body)
			send(t, r)
			if verified != nil {
				t.Errorf("refused: %v", verified)
			}
			if tampered == nil {
				t.Error("accepted after its content type was changed")
			}
		})
	}
}

func TestVerifyTakesTheDateHeader(t *testing.T) {
	for name, date := range map[string]string{"ISO": "20261122T203000Z", "HTTP": "Sun, 22 Nov 2026 20:30:00 GMT"} {
		r, body := recorded()
		r.Header.Del("X-Amz-Date")
		r.Header.Set("Date", date)
		signed := []string{"content-type", "date", "host", "x-amz-target"}
		a := authorization{accessKeyID: testKey, date: "20261122", region: "us-east-1", service: "apprunner", terminator: "aws4_request"}
		signature := a.sign(signingKey(a, testSecret), recordedAt, canonicalRequest(r, "/", signed, sha256Hex(body)))
		header := "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261122/us-east-1/apprunner/aws4_request,SignedHeaders=" + strings.Join(signed, ";") + ",Signature=" + signature
		r.Header.Set("Authorization", header)
		if _, err := verify(r, []byte(body), recordedAt, testKeys, new(signingKeys)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		r.Header.Set("Authorization", strings.Replace(header, "date;", "", 1))
		if _, err := verify(r, []byte(body), recordedAt, testKeys, new(signingKeys)); err == nil || !strings.Contains(err.Error(), "'date' must be a 'SignedHeader'") {
			t.Errorf("%s unsigned: %v", name, err)
		}
	}
}
