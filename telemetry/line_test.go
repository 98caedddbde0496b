package telemetry

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"apron/proxy"
)

const (
	parentIn  = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	parentOut = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01"
)

// line decodes the record's line, which must be one line of JSON.
func line(t *testing.T, r *proxy.Record) map[string]any {
	t.Helper()
	b := appendLine(nil, r)
	if n := bytes.Count(b, []byte{'\n'}); n != 1 || b[len(b)-1] != '\n' {
		t.Fatalf("%q is not one line", b)
	}
	var fields map[string]any
	if err := json.Unmarshal(b, &fields); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	return fields
}

func TestLine_HasAllThatIsKnown(t *testing.T) {
	r := exampleRecord()
	r.Received, r.Waited, r.Referer, r.Reason = 42, 5*time.Millisecond, "https://example.com/from", "timeout"
	r.TraceIn, r.TraceOut, r.TLS, r.Retried, r.Upgraded = parentIn, parentOut, true, true, true
	want := map[string]any{
		"time": "2026-03-01T12:00:00.123456Z", "client": "192.0.2.17", "method": "GET",
		"host": "abcdefghij.us-east-1.apron.localhost:8080", "target": "/items/17?page=2&sort=name", "protocol": "HTTP/1.1",
		"tls": true, "status": 200.0, "bytes_in": 42.0, "bytes_out": 5123.0, "duration_ms": 2.0, "waited_ms": 5.0, "first_byte_ms": 1.234,
		"instance": r.Instance, "request_id": r.RequestID, "trace_id": "0af7651916cd43dd8448eb211c80319c",
		"user_agent": r.Agent, "referer": "https://example.com/from", "retried": true, "upgraded": true, "reason": "timeout",
	}
	got := line(t, r)
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s is %v, want %v", name, got[name], value)
		}
	}
	if len(got) != len(want) {
		t.Errorf("the line has %d fields, want %d: %v", len(got), len(want), got)
	}
}

func TestLine_LeavesOutWhatThereIsNot(t *testing.T) {
	got := line(t, &proxy.Record{Began: time.Unix(0, 0), Status: 503})
	for _, name := range []string{"time", "target", "status", "bytes_in", "bytes_out", "duration_ms"} {
		if _, ok := got[name]; !ok {
			t.Errorf("%s is missing", name)
		}
		delete(got, name)
	}
	if len(got) > 0 {
		t.Errorf("the line has %v too", got)
	}
}

func TestLine_OfHostileTextsIsOneHarmlessLine(t *testing.T) {
	for _, text := range []string{"a\"b\\c", "a\nb\r\x00", "\x1b[2J", "\x7f", "\u0085\u009b", "\u2028\u202e", "\xff\xfe half \xe2\x82", "é, 日本, 🙂", strings.Repeat("é", 5000)} {
		r := &proxy.Record{Target: "/" + text, Agent: text, Host: text, Method: text, Referer: text, Reason: text}
		b := appendLine(nil, r)
		for _, c := range strings.TrimSuffix(string(b), "\n") {
			if c == utf8.RuneError || unicode.IsControl(c) || unicode.In(c, unicode.Zl, unicode.Zp, unicode.Bidi_Control) {
				t.Errorf("%q came out with %q in it", text, c)
				break
			}
		}
		got := line(t, r)["user_agent"].(string)
		if want := strings.ToValidUTF8(text, "\ufffd"); len(text) < maxField && utf8.ValidString(text) && got != want {
			t.Errorf("%q came back as %q", text, got)
		}
	}
}

func TestLine_IsBounded(t *testing.T) {
	long := strings.Repeat("\x01", 1<<20)
	r := &proxy.Record{Target: "/?" + long, Agent: long, Host: long, Method: long, Referer: long, Reason: long, RequestID: long}
	if b := appendLine(nil, r); len(b) > 100<<10 {
		t.Errorf("a line of hostile texts is %d bytes", len(b))
	}
	if got := line(t, r)["user_agent"].(string); !strings.HasSuffix(got, "...") {
		t.Errorf("what was cut does not say so: ...%q", got[len(got)-10:])
	}
}

func TestURL_HasNoCredentials(t *testing.T) {
	for url, want := range map[string]string{
		"/":                                      "/",
		"/?":                                     "/?",
		"/a?b=c&d=e":                             "/a?b=c&d=e",
		"/a?token=x1":                            "/a?token=REDACTED",
		"/a?b=c&Access_Token=x1;f=g":             "/a?b=c&Access_Token=REDACTED;f=g",
		"/a?X-Amz-Signature=x1&X-Amz-Date=2":     "/a?X-Amz-Signature=REDACTED&X-Amz-Date=2",
		"/a?X-Amz-Credential=x1":                 "/a?X-Amz-Credential=REDACTED",
		"/a?sig=x1&signal=2&code=x1&postcode=3":  "/a?sig=REDACTED&signal=2&code=REDACTED&postcode=3",
		"/a?apiKey=x1&api-key=x1&key=x1&keys=2":  "/a?apiKey=REDACTED&api-key=REDACTED&key=REDACTED&keys=2",
		"/a?new_password=x1&PASSWD=x1&compass=2": "/a?new_password=REDACTED&PASSWD=REDACTED&compass=2",
		"/a?token&secret=":                       "/a?token&secret=REDACTED",
		"/a?=x&&b":                               "/a?=x&&b",
		"https://u:x1@example.com/b?jwt=x1":      "https://REDACTED@example.com/b?jwt=REDACTED",
		"https://example.com/@user":              "https://example.com/@user",
		"/token=1/x?a=token":                     "/token=1/x?a=token",
	} {
		if got := string(appendURL(nil, url, appendPlain)); got != want {
			t.Errorf("%s is logged as %s, want %s", url, got, want)
		}
	}
}

func TestLine_AllocatesNothing(t *testing.T) {
	r := exampleRecord()
	r.TraceOut, r.Reason, r.Referer = parentOut, "timeout", "https://example.com/?token=1"
	b := appendLine(nil, r)
	if n := testing.AllocsPerRun(100, func() { b = appendLine(b[:0], r) }); n > 0 {
		t.Errorf("a line allocates %v times", n)
	}
}

func FuzzLine(f *testing.F) {
	f.Add("/a?token=1", "agent", "https://u@h/")
	f.Fuzz(func(t *testing.T, target, agent, referer string) {
		line(t, &proxy.Record{Target: target, Agent: agent, Referer: referer, TraceIn: agent, TraceOut: target})
	})
}
