package edge

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"apron/certs"
	"apron/proxy"
)

func TestTell_AsSoonAsItCan(t *testing.T) {
	for head, want := range map[string]protocol{
		"":             unknown,
		"\x16":         secure,
		"\x16\x03\x01": secure,
		"G":            plain1,
		"P":            unknown,
		"PR":           unknown,
		"PO":           plain1,
		"PROPFIND /":   plain1,
		"PRI /":        plain1,
		"PRI * HTTP/1": plain1,
		preface[:23]:   unknown,
		preface:        plain2,
		"\r\nGET":      plain1,
		"\x00":         plain1,
	} {
		if got := tell([]byte(head)); got != want {
			t.Errorf("%q is %d, want %d", head, got, want)
		}
	}
}

// TestServe_SpeaksEveryProtocolOnOnePort with curl, whose HTTP/2 is nghttp2 and whose TLS is OpenSSL.
func TestServe_SpeaksEveryProtocolOnOnePort(t *testing.T) {
	d := newDoor(t, echo)
	for _, test := range []struct{ scheme, flag, version string }{
		{"http", "--http1.0", "1"}, // 1.0 or 1.1: who answers may say what it speaks itself (RFC 9110, 6.2)
		{"http", "--http1.1", "1.1"},
		{"http", "--http2", "1.1"}, // an offer to switch to HTTP/2, which is passed over
		{"http", "--http2-prior-knowledge", "2"},
		{"https", "--http1.0", "1"},
		{"https", "--http1.1", "1.1"},
		{"https", "--http2", "2"},
		{"https", "--no-alpn", "1.1"},
		{"https", "--tlsv1.3", "2"},
		{"https", "--tls-max=1.2", "2"},
	} {
		args := append([]string{"-w", " %{http_version}", test.scheme + "://" + host + "/path?a=b"}, strings.Split(test.flag, "=")...)
		out, err := d.curl(args...)
		if want := "GET /path?a=b " + test.scheme + " " + test.version; err != nil || !strings.HasPrefix(out, want) {
			t.Errorf("%s %s: %q, %v; want %q", test.scheme, test.flag, out, err, want)
		}
	}
}

func TestServe_SpeaksWithGosClients(t *testing.T) {
	d := newDoor(t, echo)
	for _, test := range []struct {
		scheme, proto string
		set           func(*http.Protocols, bool)
	}{
		{"http", "HTTP/1.1", (*http.Protocols).SetHTTP1},
		{"http", "HTTP/2.0", (*http.Protocols).SetUnencryptedHTTP2},
		{"https", "HTTP/1.1", (*http.Protocols).SetHTTP1},
		{"https", "HTTP/2.0", (*http.Protocols).SetHTTP2},
	} {
		client := d.client(protocols(test.set))
		for range 3 { // on the same connection
			res, text := get(t, client, test.scheme+"://"+host+"/")
			if res.Proto != test.proto || text != "GET / "+test.scheme {
				t.Errorf("%s: %s %q, want %s", test.scheme, res.Proto, text, test.proto)
			}
		}
	}
}

// TestServe_FallsBackToNetHTTP for services whose instances speak HTTP/2.
func TestServe_FallsBackToNetHTTP(t *testing.T) {
	d := newDoor(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s", r.Proto, r.Header.Get("X-Forwarded-Proto"), body)
	})
	d.proxy.SetLimits("web", proxy.Limits{H2C: true})
	for _, scheme := range []string{"http", "https"} {
		for _, flag := range []string{"--http1.0", "--http1.1", "--http2"} {
			out, err := d.curl(flag, "-d", "body", scheme+"://"+host+"/", scheme+"://"+host+"/")
			if want := "HTTP/2.0 " + scheme + " body"; err != nil || out != want+want {
				t.Errorf("%s %s: %q, %v; want %q twice", scheme, flag, out, err, want)
			}
		}
	}
	eventually(t, "no place is taken", func() bool { return len(d.conns.list()) == 0 })
}

// TestServe_WaitsForTheRestOfAPreface when a client's first packet ends in it, or in a method that begins alike.
func TestServe_WaitsForTheRestOfAPreface(t *testing.T) {
	d := newDoor(t, echo)
	c := d.connect()
	for _, piece := range []string{"P", "R", "OPFIND / HTTP/1.1\r\nHost: " + host + "\r\n\r\n"} {
		say(t, c, piece)
	}
	res, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: "PROPFIND"})
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := io.ReadAll(res.Body); string(text) != "PROPFIND / http" {
		t.Errorf("answer = %q", text)
	}
	c = d.connect()
	say(t, c, preface[:10])
	say(t, c, preface[10:]+"\x00\x00\x00\x04\x00\x00\x00\x00\x00")
	var frame [9]byte
	if _, err := io.ReadFull(c, frame[:]); err != nil || frame[3] != 4 {
		t.Errorf("first frame = %v, %v; want SETTINGS", frame, err)
	}
}

func TestServe_AnswersOfPausedServicesByTLSToo(t *testing.T) {
	d := newDoor(t, echo)
	d.proxy.Remove("web")
	for _, p := range []*http.Protocols{protocols((*http.Protocols).SetHTTP1), protocols((*http.Protocols).SetHTTP2)} {
		if res, text := get(t, d.client(p), "https://"+host+"/"); res.StatusCode != 404 || text != "" {
			t.Errorf("%s: %d %q, want App Runner's bare 404", res.Proto, res.StatusCode, text)
		}
	}
}

func TestTLS_TellsAClientThatItsNameIsNotServedHere(t *testing.T) {
	d := newDoor(t, echo)
	_, err := tls.Dial("tcp", d.addr, &tls.Config{ServerName: "example.com", InsecureSkipVerify: true})
	if err == nil || !strings.HasSuffix(err.Error(), "remote error: tls: unrecognized name") {
		t.Errorf("error = %v, want the alert unrecognized_name", err)
	}
	if out, err := d.curl("https://example.com/"); err == nil || !strings.Contains(out, "unrecognized name") {
		t.Errorf("curl says %q, %v", out, err)
	}
}

// TestTLS_ServesClientsThatNameNoHost in the handshake, as reverse proxies in front do: the request says who is meant.
func TestTLS_ServesClientsThatNameNoHost(t *testing.T) {
	d := newDoor(t, echo)
	out, err := d.curl("-k", "-H", "Host: "+host, "https://127.0.0.1/")
	if err != nil || out != "GET / https" {
		t.Errorf("curl says %q, %v", out, err)
	}
}

func TestTLS_TellsAClientThatNoneIsSpoken(t *testing.T) {
	d := newDoor(t, echo, func(c *Config) { c.Certificates = nil })
	_, err := tls.Dial("tcp", d.addr, d.roots())
	if err == nil || !strings.Contains(err.Error(), "handshake failure") {
		t.Errorf("error = %v, want an alert", err)
	}
	if out, err := d.curl("http://" + host + "/"); err != nil || out != "GET / http" {
		t.Errorf("curl says %q, %v", out, err)
	}
}

// TestTLS_RenewsItsCertificateUnderway: new handshakes get the new one, and connections that have the old go on.
func TestTLS_RenewsItsCertificateUnderway(t *testing.T) {
	var ca *certs.CA
	dir := t.TempDir()
	ca, err := certs.Open(dir, certs.Config{Domain: "apron.test", Lifetime: 3 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	d := newDoor(t, echo, func(c *Config) { c.Certificates = ca.Certificate })
	d.ca = ca
	first := d.handshake()
	old := d.client(protocols((*http.Protocols).SetHTTP1))
	get(t, old, "https://"+host+"/")
	eventually(t, "another certificate", func() bool { return !d.handshake().Equal(first) })
	if _, text := get(t, old, "https://"+host+"/"); text != "GET / https" {
		t.Errorf("the old connection answers %q", text)
	}
}

// handshake returns the certificate that a new connection is given, which it verifies.
func (d *door) handshake() *x509.Certificate {
	d.tb.Helper()
	c, err := tls.Dial("tcp", d.addr, d.roots())
	if err != nil {
		d.tb.Fatal(err)
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0]
}

func TestServe_PassesWebSocketsThroughTLS(t *testing.T) {
	d := newDoor(t, func(w http.ResponseWriter, _ *http.Request) {
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		_ = rw.Flush()
		line, _ := rw.ReadString('\n')
		_, _ = c.Write([]byte("you said " + line))
	})
	c, err := tls.Dial("tcp", d.addr, d.roots())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	say(t, c, "GET / HTTP/1.1\r\nHost: "+host+"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	in := bufio.NewReader(c)
	if res, err := http.ReadResponse(in, nil); err != nil || res.StatusCode != 101 || res.Header.Get("Connection") != "Upgrade" {
		t.Fatalf("answer = %v, %v", res, err)
	}
	say(t, c, "hello\n")
	if line, err := in.ReadString('\n'); line != "you said hello\n" {
		t.Errorf("heard %q, %v", line, err)
	}
}
