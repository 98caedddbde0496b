package awsjson

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"apron/cli/clitest"
)

// issuer signs certificates.
type issuer struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// issue makes a certificate for this machine, as change makes it, signed by ca or else by itself.
func issue(t *testing.T, ca *issuer, change func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: rand.Text()},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, BasicConstraintsValid: true, IsCA: true,
	}
	change(c)
	if ca == nil {
		ca = &issuer{c, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, ca.certificate, &key.PublicKey, ca.key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: parsed}
}

func issuerOf(pair tls.Certificate) *issuer {
	return &issuer{pair.Leaf, pair.PrivateKey.(*ecdsa.PrivateKey)}
}

// bundleOf writes the first certificates of the pairs to a file.
func bundleOf(t *testing.T, pairs ...tls.Certificate) string {
	t.Helper()
	var text []byte
	for _, pair := range pairs {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]})...)
	}
	return writeFile(t, text)
}

func writeFile(t *testing.T, text []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bundle.pem")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

var quiet = log.New(io.Discard, "", 0)

// serve answers every request with {}, over TLS if there is a certificate.
func serve(t *testing.T, certificate *tls.Certificate) string {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "{}") }))
	server.Config.ErrorLog = quiet
	if certificate == nil {
		server.Start()
	} else {
		server.TLS = &tls.Config{Certificates: []tls.Certificate{*certificate}}
		server.StartTLS()
	}
	t.Cleanup(server.Close)
	return server.URL
}

// listen hands every connection to f and returns its address.
func listen(t *testing.T, f func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go f(conn)
		}
	}()
	return l.Addr().String()
}

// alert refuses a handshake.
func alert(code byte) func(net.Conn) {
	return func(c net.Conn) {
		defer c.Close()
		c.Read(make([]byte, 1<<16))
		c.Write([]byte{0x15, 3, 3, 0, 2, 2, code})
	}
}

// stall begins an answer.
func stall(c net.Conn) {
	defer c.Close()
	c.Read(make([]byte, 1<<16))
	io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{")
	io.Copy(io.Discard, c)
}

// hangUp ends a connection in order once it has a request: what is unread would make a reset of that, at times.
func hangUp(c net.Conn) {
	c.Read(make([]byte, 1<<16))
	c.Close()
}

// reset breaks a connection off.
func reset(c net.Conn) {
	c.Read(make([]byte, 1<<16))
	c.(*net.TCPConn).SetLinger(0)
	c.Close()
}

// say reads a request's head and answers with text.
func say(text string) func(net.Conn) {
	return func(c net.Conn) {
		defer c.Close()
		var head []byte
		for buf := make([]byte, 4096); !strings.Contains(string(head), "\r\n\r\n"); {
			n, err := c.Read(buf)
			if err != nil {
				return
			}
			head = append(head, buf[:n]...)
		}
		io.WriteString(c, text)
		if text == "" {
			io.Copy(io.Discard, c) // until the client gives up
		}
	}
}

// tunnel is a proxy that opens connections, and passes on the requests for http.
func tunnel(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user := r.Header.Get("Proxy-Authorization"); user != "" && user != "Basic dXNlcjpwdw==" {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		if r.Method != http.MethodConnect {
			w.WriteHeader(http.StatusTeapot)
			io.WriteString(w, `{"__type":"Proxied","message":"`+r.URL.String()+" "+r.Header.Get("Proxy-Authorization")+`"}`)
			return
		}
		out, err := net.Dial("tcp", r.Host)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		// The answer comes behind the hijacking, for until then the server reads what the client says to it.
		in, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		io.WriteString(in, "HTTP/1.1 200 OK\r\n\r\n")
		go func() { io.Copy(out, buffered); out.Close() }()
		io.Copy(in, out)
		in.Close()
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// tlsCases are servers of doubtful identity.
func tlsCases(t *testing.T) map[string]botocoreCase {
	own := issue(t, nil, func(*x509.Certificate) {})
	root := issue(t, nil, func(c *x509.Certificate) { c.IPAddresses = nil })
	signed := issue(t, issuerOf(root), func(c *x509.Certificate) { c.IsCA = false })
	chain := signed
	chain.Certificate = append(slices.Clone(signed.Certificate), root.Certificate[0])
	names := func(names ...string) tls.Certificate {
		return issue(t, nil, func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, names })
	}
	one, two := names("example.com"), names("example.com", "*.example.org")
	other := issue(t, nil, func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 2)} })
	old := issue(t, nil, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })
	early := issue(t, nil, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) })

	trusting := func(pair tls.Certificate, verify any) botocoreCase {
		c := caseAt(serve(t, &pair) + "/")
		c.Attempts, c.Verify = 1, verify
		return c
	}
	return map[string]botocoreCase{
		"self-signed":            trusting(own, true),
		"self-signed, not asked": trusting(own, false),
		"self-signed, trusted":   trusting(own, bundleOf(t, own)),
		"signed, trusted":        trusting(signed, bundleOf(t, other, root)),
		"chain, trusted":         trusting(chain, bundleOf(t, root)),
		"signed":                 trusting(signed, true),
		"chain":                  trusting(chain, bundleOf(t, own)),
		"another's":              trusting(one, bundleOf(t, one)),
		"others'":                trusting(two, bundleOf(t, two)),
		"another address's":      trusting(other, bundleOf(t, other)),
		"another's, not trusted": trusting(one, true),
		"old":                    trusting(old, bundleOf(t, old)),
		"early":                  trusting(early, bundleOf(t, early)),
		"no bundle":              trusting(own, "/nonexistent/bundle.pem"),
		"bundle of a directory":  trusting(own, t.TempDir()),
		"bundle of nothing":      trusting(own, writeFile(t, nil)),
		"bundle of text":         trusting(own, writeFile(t, []byte("hello\n"))),
	}
}

// faultCases are servers and proxies that do not answer.
func faultCases(t *testing.T) map[string]botocoreCase {
	own := issue(t, nil, func(*x509.Certificate) {})
	plain, secure, proxy := serve(t, nil), serve(t, &own), tunnel(t)
	silent, closing, resetting := listen(t, say("")), listen(t, hangUp), listen(t, reset)
	at := func(url string, change func(*botocoreCase)) botocoreCase {
		c := caseAt(url)
		c.Attempts = 1
		change(&c)
		return c
	}
	as := func(*botocoreCase) {}
	impatient := func(c *botocoreCase) { c.ReadTimeout, c.ConnectTimeout = 0.2, 60 }
	hasty := func(c *botocoreCase) { c.ReadTimeout, c.ConnectTimeout = 60, 0.2 }
	env := func(name, value string) func(*botocoreCase) {
		return func(c *botocoreCase) {
			c.Verify = false
			c.Env = map[string]string{name: value}
		}
	}
	return map[string]botocoreCase{
		"refused":             at("http://"+closedPort(t)+"/a/b", as),
		"refused, as written": at("HTTP://LocalHost:"+strings.Split(closedPort(t), ":")[1]+"/a b/%7e#c", as),
		"refused, fragment":   at("http://"+closedPort(t)+"#c", as),
		"refused, https":      at("https://"+closedPort(t), as),
		"no host":             at("http://nohost.invalid", as),
		"closing":             at("http://"+closing, as),
		"closing, https":      at("https://"+closing+"/", as),
		"resetting":           at("http://"+resetting, as),
		"resetting, https":    at("https://"+resetting+"/", as),
		"http to https":       at("http://"+listen(t, say("\x15\x03\x01\x00\x02\x02\x46"))+"/", as),
		"https to http":       at(strings.Replace(plain, "http:", "https:", 1)+"/", as),
		"alert":               at("https://"+listen(t, alert(40))+"/", as),
		"alert, version":      at("https://"+listen(t, alert(70))+"/", as),
		"alert, internal":     at("https://"+listen(t, alert(80))+"/", as),
		"alert, name":         at("https://"+listen(t, alert(112))+"/", as),
		"alert, access":       at("https://"+listen(t, alert(49))+"/", as),
		"silent":              at("http://"+silent+"/", impatient),
		"silent in TLS":       at("https://"+silent+"/", hasty),
		"silent in an answer": at("http://"+listen(t, stall)+"/", impatient),

		"proxy":                         at(plain+"/p/q//r/", env("HTTP_PROXY", proxy)),
		"proxy, with a user":            at("http://a.invalid/", env("HTTP_PROXY", strings.Replace(proxy, "//", "//user:pw@", 1))),
		"proxy, with a name":            at("http://a.invalid/", env("HTTP_PROXY", strings.Replace(proxy, "//", "//user@", 1))),
		"proxy, without a scheme":       at("http://a.invalid/", env("HTTP_PROXY", strings.TrimPrefix(proxy, "http://"))),
		"proxy, of another scheme":      at(plain, env("https_proxy", proxy)),
		"proxy for https":               at(secure, env("https_proxy", proxy)),
		"proxy refused":                 at(plain, env("HTTP_PROXY", "http://us%40er:p%40@"+closedPort(t))),
		"proxy refused, https":          at(secure, env("https_proxy", "//name:name@"+closedPort(t)+"/x")),
		"proxy without a host":          at(plain, env("HTTP_PROXY", "http://nohost.invalid:3128")),
		"proxy of SOCKS":                at(plain, env("HTTP_PROXY", "socks5://127.0.0.1:1")),
		"proxy of no URL":               at(plain, env("HTTP_PROXY", "http://127.0.0.1:xx")),
		"proxy says no":                 at(secure, env("https_proxy", listen(t, say("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")))),
		"proxy knows no server":         at("https://"+closedPort(t), env("https_proxy", proxy)),
		"proxy closing":                 at(plain, env("HTTP_PROXY", closing)),
		"proxy closing, https":          at(secure, env("https_proxy", closing)),
		"proxy resetting":               at(plain, env("HTTP_PROXY", resetting)),
		"proxy resetting, https":        at(secure, env("https_proxy", resetting)),
		"proxy to one who resets":       at("https://"+resetting, env("https_proxy", proxy)),
		"proxy to one who closes":       at("https://"+closing, env("https_proxy", proxy)),
		"proxy makes no sense":          at(plain, env("HTTP_PROXY", listen(t, say("hello\r\n")))),
		"proxy silent":                  at(plain, func(c *botocoreCase) { env("HTTP_PROXY", silent)(c); impatient(c) }),
		"proxy to one who does not TLS": at(strings.Replace(plain, "http:", "https:", 1), env("https_proxy", proxy)),
	}
}

func TestTransport_FailsAsTheAWSCLIDoes(t *testing.T) {
	table := faultCases(t)
	maps.Copy(table, tlsCases(t))
	names := slices.Sorted(maps.Keys(table))
	var cases []botocoreCase
	for _, name := range names {
		cases = append(cases, table[name])
	}
	var want []string
	clitest.Python(t, askBotocore, cases, &want)
	for i, c := range cases {
		if got := c.ask(t.Context()); got != want[i] {
			t.Errorf("%s:\ngot  %s\nwant %s", names[i], got, want[i])
		}
	}
}

// askProxies prints the proxy that Python finds for each URL in each environment.
const askProxies = `
import json, os, sys
from urllib.parse import urlparse
import awscli
from botocore.utils import get_environ_proxies
answers = []
for env, url in json.load(sys.stdin):
    for name in list(os.environ):
        if name.lower().endswith('_proxy') or name == 'REQUEST_METHOD':
            del os.environ[name]
    os.environ.update(dict(setting.split('=', 1) for setting in env))
    answers.append(get_environ_proxies(url).get(urlparse(url).scheme, ''))
json.dump(answers, sys.stdout)
`

func TestEnvironmentProxy_IsPythons(t *testing.T) {
	environs := [][]string{
		{}, {"HTTP_PROXY=a"}, {"http_proxy=b", "HTTP_PROXY=a"}, {"http_proxy=", "HTTP_PROXY=a"}, {"Http_Proxy=a"}, {"HTTP_proxy=c"},
		{"https_proxy=s"}, {"ALL_PROXY=x", "all_proxy=x"}, {"HTTP_PROXY=a", "REQUEST_METHOD=GET"}, {"http_proxy=a", "REQUEST_METHOD=GET"},
	}
	for _, none := range []string{"*", "*,b", "localhost", "127.0.0.1", "127.0.0.1:80", "example.com", ".example.com", " EXAMPLE.com , x", "com", ",", ".", "..com", "[::1]", "0.0.1"} {
		environs = append(environs, []string{"HTTP_PROXY=a", "NO_PROXY=" + none}, []string{"HTTPS_PROXY=a", "no_proxy=" + none, "NO_PROXY=other"})
	}
	urls := []string{
		"http://127.0.0.1", "http://127.0.0.1:80/", "http://localhost:4566", "http://a.Example.com", "https://example.com", "http://anexample.com",
		"http://[::1]:8", "http://[::1]",
	}
	var cases [][2]any
	for _, env := range environs {
		for _, u := range urls {
			cases = append(cases, [2]any{env, u})
		}
	}
	var want []string
	clitest.Python(t, askProxies, cases, &want)
	for i, c := range cases {
		u, err := url.Parse(c[1].(string))
		if err != nil {
			t.Fatal(err)
		}
		if got := EnvironmentProxy(c[0].([]string))(u); got != want[i] {
			t.Errorf("%v: %q, want %q", c, got, want[i])
		}
	}
}

func TestTransport_TellsOnceOfAnUnverifiedServer(t *testing.T) {
	own := issue(t, nil, func(*x509.Certificate) {})
	var told atomic.Int32
	client := &http.Client{Transport: Transport(TransportConfig{NoVerifySSL: true, Unverified: func(host string) {
		if host != "127.0.0.1" {
			t.Errorf("the host is %q", host)
		}
		told.Add(1)
	}})}
	u := serve(t, &own)
	for range 2 {
		answer, err := client.Get(u)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		client.Transport.(*transport).byHost["127.0.0.1"].CloseIdleConnections()
	}
	if told.Load() != 1 {
		t.Errorf("told %d times", told.Load())
	}
}
