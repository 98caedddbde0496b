package main_test

import (
	"cmp"
	"context"
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// h2specLimit is for all of its cases; those for which the right answer is none wait for it.
const h2specLimit = 3 * time.Minute

// h2specExceptions are the cases that are not passed, to the reason. Those that begin with "http: " are not passed without TLS.
var h2specExceptions = map[string]string{
	"http: http2/3.5: Sends invalid connection preface": "the port speaks HTTP/1.x too, of which what is no preface is a bad request; it is answered so, and the " +
		"connection is closed",
	"http2/6.5.3: Sends multiple values of SETTINGS_INITIAL_WINDOW_SIZE": "Go's HTTP/2 takes a SETTINGS frame that sets one thing twice for an attack, and ends " +
		"the connection",
	"http2/8.1.2.2: Sends a HEADERS frame that contains the connection-specific header field": "Go's HTTP/2 answers 400 and ends the stream, as RFC 9113, 8.1.1, " +
		"allows; no service sees the request",
	"http2/8.1.2.2: Sends a HEADERS frame that contains the TE header field with any value other than \"trailers\"": "likewise",
}

// TestPeerH2spec_PassesInFull has a suite of the field talk to the services' port as no client should. It runs all cases of h2spec, the strict ones too.
func TestPeerH2spec_PassesInFull(t *testing.T) {
	p := newPeer(t, "http", 1)
	program := buildH2spec(t)
	p.eachScheme(func(t *testing.T, scheme string) {
		t.Parallel() // much of it is waiting
		args := []string{"--strict", "--host", p.host, "--port", p.port, "--timeout", "2"}
		if scheme == "https" {
			args = append(args, "--tls", "--insecure")
		}
		passed := 0
		for _, c := range p.h2spec(t, program, args...) {
			reason := cmp.Or(h2specExceptions[c.name()], h2specExceptions[scheme+": "+c.name()])
			excepted := reason != ""
			switch failed := c.Failure+c.Error != ""; {
			case failed && !excepted:
				t.Errorf("%s: %s%s", c.name(), c.Failure, c.Error)
			case !failed && excepted:
				t.Errorf("%s passes, although %s: take the exception out", c.name(), reason)
			case !failed:
				passed++
			}
		}
		if want := 140; passed < want {
			t.Errorf("%d cases passed; h2spec has more than %d", passed, want)
		}
	})
}

// h2specCase is one of its report.
type h2specCase struct {
	Package string `xml:"package,attr"`
	Class   string `xml:"classname,attr"`
	Failure string `xml:"failure"`
	Error   string `xml:"error"`
}

func (c h2specCase) name() string { return c.Package + ": " + c.Class }

func buildH2spec(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "h2spec")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-modfile=../../tools.mod", "-o", program, "github.com/summerwind/h2spec/cmd/h2spec")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build h2spec: %v\n%s", err, out)
	}
	return program
}

// h2spec runs it with the service's name leading to the platform: it asks for the host that it connects to, and looks names up
// in the machine's file, so it gets a file of its own.
func (p *peer) h2spec(t *testing.T, program string, args ...string) (cases []h2specCase) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), h2specLimit)
	defer cancel()
	dir := t.TempDir()
	hosts, report := filepath.Join(dir, "hosts"), filepath.Join(dir, "report.xml")
	if err := os.WriteFile(hosts, fmt.Appendf(nil, "127.0.0.1 %s\n", p.host), 0o644); err != nil {
		t.Fatal(err)
	}
	args = append([]string{"--mount", "sh", "-c", `mount --bind "$0" /etc/hosts && exec "$@"`, hosts, program, "--junit-report", report}, args...)
	out, err := exec.CommandContext(ctx, "unshare", args...).CombinedOutput() // its exit code says that a case failed
	text, readErr := os.ReadFile(report)
	if readErr != nil {
		t.Fatalf("h2spec: %v, %v\n%s", err, readErr, out)
	}
	var suites struct {
		Suites []struct {
			Cases []h2specCase `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(text, &suites); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	for _, suite := range suites.Suites {
		cases = append(cases, suite.Cases...)
	}
	return cases
}
