// Package aprontest runs the real apron program in a directory of its own and does with it what users do: push an
// image, call actions through AWS's SDK and CLI, send requests, stop it, kill it, and look at what is left on the
// machine. The end-to-end tests, the demo and the benchmarks use it; the program itself must never import it.
package aprontest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apprunner"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Platform is one running server.
type Platform struct {
	Bin  string // the apron program
	Data string // its --data
	// Env is what `apron env` printed: AWS_ENDPOINT_URL_APPRUNNER, AWS_ACCESS_KEY_ID and so on.
	Env map[string]string

	pid  int
	done chan error // has how the process ended; nil also for one whose exit code is another process's to know
	log  *os.File   // what the server prints, and those that take over from it
}

// startLimit is how long a server may take until it answers.
const startLimit = 60 * time.Second

// Start runs bin serve on the data directory and waits until it is ready. environ is added to this process's own
// environment, args to the command line.
func Start(ctx context.Context, bin, data string, environ []string, args ...string) (*Platform, error) {
	args = append([]string{"serve", "--data", data, "--api", "127.0.0.1:0", "--edge", "127.0.0.1:0", "--verbose",
		"--disk-high", "100"}, args...) // how full this machine's disk is must not decide what is tested
	cmd := exec.Command(bin, args...)
	cmd.Env = append(os.Environ(), environ...)
	return Run(ctx, cmd, bin, data)
}

// Run starts cmd, which in some way runs bin serve on the data directory, and waits until that is ready.
func Run(ctx context.Context, cmd *exec.Cmd, bin, data string) (*Platform, error) {
	p := &Platform{Bin: bin, Data: data, done: make(chan error, 1)}
	var err error
	// A file, and no pipe: a server that takes over prints into it too, and must not hold up the end of the first.
	if p.log, err = os.CreateTemp("", "apron-log-"); err != nil {
		return nil, err
	}
	if err := os.Remove(p.log.Name()); err != nil { // it lasts as long as somebody has it open
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = p.log, p.log
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", bin, err)
	}
	p.pid = cmd.Process.Pid
	go func(done chan error) { done <- cmd.Wait() }(p.done)
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	if err := p.awaitReady(ctx); err != nil {
		return nil, errors.Join(err, p.abandon())
	}
	return p, nil
}

// abandon ends a server that did not become ready, and takes away what it made until then.
func (p *Platform) abandon() error {
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	select {
	case err := <-p.done: // it says in its log why it ended
		p.done <- err
		_ = p.Stop(ctx, true)
		return nil
	default:
		return errors.Join(p.Kill(), p.Stop(ctx, true))
	}
}

// awaitReady asks for the server's address until it has one and answers there.
func (p *Platform) awaitReady(ctx context.Context) error {
	for {
		if p.ready(ctx) {
			return nil
		}
		select {
		case err := <-p.done:
			p.done <- err
			return fmt.Errorf("the server ended before it was ready: %w\n%s", err, p.Log())
		case <-ctx.Done():
			return fmt.Errorf("the server was not ready: %w\n%s", context.Cause(ctx), p.Log())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// ready reads the address of this very process; one left by a killed server names another.
func (p *Platform) ready(ctx context.Context) bool {
	if !strings.Contains(p.Log(), "eval ") {
		return false
	}
	out, err := exec.CommandContext(ctx, p.Bin, "env", "--data", p.Data).Output()
	if err != nil {
		return false
	}
	p.Env = parseExports(out)
	resp, err := http.Get(p.APIURL() + "/healthz")
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

func parseExports(out []byte) map[string]string {
	env := map[string]string{}
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		if name, value, ok := strings.Cut(strings.TrimPrefix(lines.Text(), "export "), "="); ok {
			env[name] = value
		}
	}
	return env
}

// APIURL is where the API and the registry answer.
func (p *Platform) APIURL() string { return p.Env["AWS_ENDPOINT_URL_APPRUNNER"] }

// PID is the server's process.
func (p *Platform) PID() int { return p.pid }

// Log is what the server has printed so far.
func (p *Platform) Log() string {
	text, err := io.ReadAll(io.NewSectionReader(p.log, 0, 1<<40))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// Kill ends the server with SIGKILL and waits until it is gone. Its instances run on.
func (p *Platform) Kill() error {
	if err := syscall.Kill(p.pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return p.Wait()
}

// Wait waits until the server has ended, in whatever way.
func (p *Platform) Wait() error {
	_, err := p.wait()
	return err
}

// wait returns how the server ended, nil for exit code 0.
func (p *Platform) wait() (ended, err error) {
	select {
	case ended = <-p.done:
		p.done <- ended
		return ended, nil
	case <-time.After(startLimit):
		return nil, fmt.Errorf("the server (process %d) has not ended within %v", p.PID(), startLimit)
	}
}

// Stop runs `apron stop`, with --all if the instances are to end as well. A server that was running and does not end
// with exit code 0 is an error.
func (p *Platform) Stop(ctx context.Context, all bool) error {
	running := p.running()
	args := []string{"stop", "--data", p.Data}
	if all {
		args = append(args, "--all")
	}
	if out, err := exec.CommandContext(ctx, p.Bin, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("apron stop: %w\n%s\nserver's log:\n%s", err, out, p.Log())
	}
	ended, err := p.wait()
	if err == nil && running && ended != nil {
		err = fmt.Errorf("the server did not end in order: %w\n%s", ended, p.Log())
	}
	return err
}

func (p *Platform) running() bool {
	select {
	case ended := <-p.done:
		p.done <- ended
		return false
	default:
		return true
	}
}

// connections are those of all clients of the API.
var connections = http.DefaultTransport.(*http.Transport).Clone()

// Disconnect closes the connections that this process keeps to servers' APIs and has no request on.
func Disconnect() {
	for _, kept := range []http.RoundTripper{connections, http.DefaultTransport, remote.DefaultTransport} {
		kept.(interface{ CloseIdleConnections() }).CloseIdleConnections()
	}
}

// Client is AWS's own SDK, pointed at the platform as any program's would be. It does not retry, so that every answer
// of the server is seen.
func (p *Platform) Client() *apprunner.Client { return p.ClientIn(p.Env["AWS_REGION"]) }

// ClientIn is Client in another region, whose resources are apart from those of all others.
func (p *Platform) ClientIn(region string) *apprunner.Client {
	return apprunner.New(apprunner.Options{
		Region:       region,
		BaseEndpoint: aws.String(p.APIURL()),
		Retryer:      aws.NopRetryer{},
		HTTPClient:   &http.Client{Transport: connections},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: p.Env["AWS_ACCESS_KEY_ID"], SecretAccessKey: p.Env["AWS_SECRET_ACCESS_KEY"]}, nil
		}),
	})
}

// edgeAddress is where services are reached, as host and port.
func (p *Platform) edgeAddress() string {
	return strings.TrimPrefix(p.Env["APRON_EDGE_URL"], "http://")
}

// HTTP is a client for services by their ServiceUrl: it goes to the platform's edge whatever the name resolves to,
// as *.localhost does in browsers and curl.
func (p *Platform) HTTP() *http.Client {
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, p.edgeAddress())
	}
	return &http.Client{Timeout: 2 * time.Minute, Transport: &http.Transport{DialContext: dial, MaxIdleConnsPerHost: 64}}
}

// CA is the certificate of the platform's authority, in PEM.
func (p *Platform) CA(ctx context.Context) ([]byte, error) {
	out, err := exec.CommandContext(ctx, p.Bin, "trust", "--print", "--data", p.Data).Output()
	if err != nil {
		return nil, fmt.Errorf("apron trust --print: %w", err)
	}
	return out, nil
}
