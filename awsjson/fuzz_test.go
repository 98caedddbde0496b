package awsjson

import (
	"bufio"
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// unsigned are the headers that the SDK's signer leaves out or that net/http keeps for itself.
var unsigned = []string{"Authorization", "User-Agent", "X-Amzn-Trace-Id", "Expect", "Transfer-Encoding", "Content-Length", "Host",
	"Connection", "Trailer", "Te", "Upgrade", "X-Amz-Content-Sha256", "X-Amz-Date", "Proxy-Connection", "Keep-Alive"}

var (
	headerName  = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	headerValue = regexp.MustCompile(`^ *([^\x00-\x20\x7f]([^\x00-\x08\x0a-\x1f\x7f]*[^\x00-\x20\x7f])?)? *$`) // a tab inside alone
)

// fuzzedRequest is a DescribeService with the query, header and body given, signed by aws-sdk-go-v2 and read from the
// wire as a server reads it. It is nil where no client could send such a request.
func fuzzedRequest(t *testing.T, query, name, value, body string) *http.Request {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost:4080/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.URL.RawQuery = query
	if !headerName.MatchString(name) || !headerValue.MatchString(value) {
		return nil
	}
	name = textproto.CanonicalMIMEHeaderKey(name)
	// The SDK sorts decoded parameters; AWS's specification, which counts here, sorts encoded ones.
	if encoded := r.URL.Query().Encode(); slices.Contains(unsigned, name) || strings.Contains(encoded, "&") && strings.Contains(encoded, "%") {
		return nil
	}
	r.Header.Set("X-Amz-Target", "AppRunner.DescribeService")
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header[name] = []string{value, value}
	sign(t, r, body)
	var sent bytes.Buffer
	if r.Write(&sent) != nil {
		return nil
	}
	arrived, err := http.ReadRequest(bufio.NewReader(&sent))
	if err != nil {
		return nil
	}
	return arrived
}

// tampers each change one thing that is signed.
var tampers = map[string]func(r *http.Request, name string){
	"method":    func(r *http.Request, _ string) { r.Method = "PUT" },
	"host":      func(r *http.Request, _ string) { r.Host = "localhost:4081" },
	"target":    func(r *http.Request, _ string) { r.Header.Set("X-Amz-Target", "AppRunner.DeleteService") },
	"query":     func(r *http.Request, _ string) { r.URL.RawQuery = strings.TrimPrefix(r.URL.RawQuery+"&x=y", "&") },
	"a value":   func(r *http.Request, name string) { r.Header[name][1] += "x" },
	"one value": func(r *http.Request, name string) { r.Header[name] = r.Header[name][:1] },
	"encoding":  func(r *http.Request, _ string) { r.Header.Add("Content-Encoding", "gzip") },
	"token":     func(r *http.Request, _ string) { r.Header.Add("X-Amz-Security-Token", "x") },
	"region": func(r *http.Request, _ string) {
		r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "us-east-1", "us-east-2", 1))
	},
	"signed headers": func(r *http.Request, _ string) {
		r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "content-type;", "", 1))
	},
}

// What the SDK signs verifies, whatever it is, and no longer after any change.
func FuzzVerify(f *testing.F) {
	f.Add("", "X-Amz-Meta", "value", "{}")
	f.Add("b=2&a=1&a=0&c", "X-A", "  two   spaces ", `{"ServiceArn":"x"}`)
	f.Add("a=x%20y", "Content-Encoding", "gzip", "")
	f.Add("%zz;=&+", "X-Amz-Security-Token", "token/with+signs==", "\x00\xff")
	f.Add("a=~*/", "x-tabs", "a\t b", "ü")
	f.Add("a", "Date", "", " ")
	f.Fuzz(func(t *testing.T, query, name, value, body string) {
		r := fuzzedRequest(t, query, name, value, body)
		if r == nil {
			return
		}
		if _, err := verify(r, []byte(body), time.Now(), testKeys, new(signingKeys)); err != nil {
			t.Fatalf("%q with %q: %v", r.URL, r.Header, err)
		}
		if _, err := verify(r, []byte(body+" "), time.Now(), testKeys, new(signingKeys)); err == nil {
			t.Fatalf("%q with %q: accepted with another body", r.URL, r.Header)
		}
		for what, tamper := range tampers {
			changed := r.Clone(t.Context())
			tamper(changed, textproto.CanonicalMIMEHeaderKey(name))
			if _, err := verify(changed, []byte(body), time.Now(), testKeys, new(signingKeys)); err == nil {
				t.Fatalf("%q with %q: accepted with another %s: %q with %q", r.URL, r.Header, what, changed.URL, changed.Header)
			}
		}
	})
}

// What strangers send as a signature is refused with 403, and never crashes.
func FuzzAuthorization(f *testing.F) {
	r, body := recorded()
	valid, date := r.Header.Get("Authorization"), r.Header.Get("X-Amz-Date")
	f.Add(valid, date, "", []byte(body))
	f.Add(strings.ReplaceAll(valid, ", ", ","), "", date, []byte{})
	f.Add("AWS4-HMAC-SHA256 Credential=////,SignedHeaders=;,Signature=0", "20261122T203000Z", "Sun, 22 Nov 2026 20:30:00 GMT", []byte("{}"))
	f.Add("AWS4-HMAC-SHA256 Credential=a/20261122/us-east-1/apprunner/aws4_request, SignedHeaders=host;;content-length, Signature=,Signature=x", date, "", []byte{})
	f.Fuzz(func(t *testing.T, authorization, amzDate, date string, body []byte) {
		r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1:4080/?"+url.QueryEscape(date), bytes.NewReader(body))
		r.Header.Set("Authorization", authorization)
		r.Header.Set("X-Amz-Date", amzDate)
		r.Header.Set("Date", date)
		_, err := verify(r, body, recordedAt, testKeys, new(signingKeys))
		if e, ok := err.(*exception); !ok || e.status != http.StatusForbidden || e.message == "" {
			t.Fatalf("got %v", err)
		}
	})
}

// Whatever a body claims to be, unpacking ends with at most maxBody bytes or a refusal.
func FuzzUnpack(f *testing.F) {
	f.Add("gzip", []byte(gzipped(f, "{}")))
	f.Add("gzip", []byte(gzipped(f, strings.Repeat("x", maxBody+1))))
	f.Add("GZIP", []byte{})
	f.Add("identity", []byte("{}"))
	f.Add("br", []byte("{}"))
	f.Fuzz(func(t *testing.T, encoding string, sent []byte) {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Header.Set("Content-Encoding", encoding)
		body, err := unpack(r, sent)
		if err == nil && len(body) > max(maxBody, len(sent)) {
			t.Fatalf("%d bytes were unpacked", len(body))
		}
		if e, ok := err.(*exception); err != nil && (!ok || e.status/100 != 4) {
			t.Fatalf("got %v", err)
		}
	})
}
