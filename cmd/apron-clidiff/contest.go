package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"apron/aprontest"
)

// endpoint stands for the stub's address in drawn arguments.
const endpoint = "{ENDPOINT}"

// patience is how long one command may take; AWS's own needs about a second, and three when it retries.
const patience = time.Minute

// contest has both commands and the directory in which they run.
type contest struct {
	options
	dir string
}

func newContest(o options) (*contest, error) {
	apron, err := filepath.Abs(o.apron)
	if err != nil {
		return nil, err
	}
	o.apron = apron
	dir, err := os.MkdirTemp("", "apron-clidiff-")
	if err != nil {
		return nil, err
	}
	c := &contest{options: o, dir: dir}
	if err := aprontest.WriteBotocoreModel(filepath.Join(dir, "models")); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// Close removes what the contest wrote.
func (c *contest) Close() error { return os.RemoveAll(c.dir) }

// outcome is what one command did with a trial.
type outcome struct {
	exit           int
	stdout, stderr string
	requests       []string
}

type result struct {
	trial
	aws, apron outcome
	err        error
}

func (c *contest) play(ctx context.Context, t trial) result {
	r := result{trial: t}
	aws, awsErr := c.run(ctx, t, c.aws)
	apron, apronErr := c.run(ctx, t, c.apron, "aws")
	r.aws, r.apron, r.err = aws, apron, errors.Join(awsErr, apronErr)
	return r
}

func (c *contest) run(ctx context.Context, t trial, command ...string) (outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	stub := &stub{status: t.status, reply: t.reply}
	server := httptest.NewServer(stub)
	defer server.Close()
	args := append([]string{}, command[1:]...)
	for _, a := range t.args {
		args = append(args, strings.ReplaceAll(a, endpoint, server.URL))
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, command[0], args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = c.dir, c.environment(), &stdout, &stderr
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		return outcome{}, fmt.Errorf("run %s: %w", command[0], err)
	}
	replace := func(text string) string { return strings.ReplaceAll(text, server.URL, endpoint) }
	requests := stub.seen()
	for i := range requests {
		requests[i] = replace(requests[i])
	}
	return outcome{cmd.ProcessState.ExitCode(), replace(stdout.String()), replace(stderr.String()), requests}, nil
}

func (c *contest) environment() []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + c.dir, "AWS_DATA_PATH=" + filepath.Join(c.dir, "models"),
		"AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secretEXAMPLE", "AWS_DEFAULT_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_MAX_ATTEMPTS=1", "LANG=C.UTF-8", "LC_ALL=C.UTF-8", "TZ=UTC", "COLUMNS=80", "TERM=dumb",
	}
}

// stub answers every request alike and keeps what was asked.
type stub struct {
	status int
	reply  string

	mu       sync.Mutex
	requests []string
}

func (s *stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	s.requests = append(s.requests, describe(r, body))
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.WriteHeader(s.status)
	io.WriteString(w, s.reply)
}

func (s *stub) seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// describe is what of a request must be equal: all but the date, the signature and the user agent. The body is compared
// by its values.
func describe(r *http.Request, body []byte) string {
	var value any
	if json.Unmarshal(body, &value) == nil {
		body, _ = json.Marshal(value)
	}
	scope, _, _ := strings.Cut(r.Header.Get("Authorization"), ",")
	if parts := strings.Split(scope, "/"); len(parts) == 5 {
		parts[1] = "DATE"
		scope = strings.Join(parts, "/")
	}
	return fmt.Sprintf("%s %s %s %s %s %s", r.Method, r.URL.Path, r.Header.Get("X-Amz-Target"), r.Header.Get("Content-Type"), scope, body)
}
