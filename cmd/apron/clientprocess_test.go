package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"apron/aprontest"
)

func openBoto3(t *testing.T, _ *aprontest.Platform, env map[string]string) caller {
	needs(t, "/usr/lib/python3/dist-packages/boto3", "python3-boto3")
	return startProcess(t, env, debianPython, "../../testdata/clients/boto3_client.py")
}

func openCLI(t *testing.T, _ *aprontest.Platform, env map[string]string) caller {
	needs(t, awsCLI, "awscli")
	return startProcess(t, env, debianPython, "../../testdata/clients/aws_client.py")
}

func openJS(t *testing.T, _ *aprontest.Platform, env map[string]string) caller {
	const dir = "../../testdata/clients/js"
	if _, err := os.Stat(dir + "/node_modules"); err != nil {
		t.Skip("SKIP: AWS's client for JavaScript is not there; install it with: npm ci --prefix testdata/clients/js")
	}
	return startProcess(t, env, "node", dir+"/client.js")
}

// debianPython is the one that Debian's packages belong to; another python3 may come first on the PATH.
const debianPython = "/usr/bin/python3"

func needs(t *testing.T, path, pkg string) {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		t.Skipf("SKIP: %v; install it with apt-get install %s", err, pkg)
	}
}

// process is a client in a program of its own, which reads a call a line and writes an answer a line.
type process struct {
	calls   *json.Encoder
	answers *json.Decoder
	kill    func()
}

func startProcess(t *testing.T, env map[string]string, program string, args ...string) caller {
	t.Helper()
	ctx, kill := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env, cmd.Stderr = os.Environ(), t.Output()
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close() // at which it ends
		last := time.AfterFunc(callLimit, kill)
		defer last.Stop()
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v", cmd, err)
		}
		kill()
	})
	return &process{json.NewEncoder(stdin), json.NewDecoder(stdout), kill}
}

func (p *process) call(ctx context.Context, s step, input string) (any, *exception, error) {
	stop := context.AfterFunc(ctx, p.kill)
	defer stop()
	if err := p.calls.Encode(map[string]any{"action": s.action, "input": json.RawMessage(input), "newer": s.newer}); err != nil {
		return nil, nil, err
	}
	var answer struct {
		Output                 any
		Error, Message, Broken string
	}
	if err := p.answers.Decode(&answer); err != nil {
		return nil, nil, fmt.Errorf("the client has no answer: %w", err)
	}
	switch {
	case answer.Broken != "":
		return nil, nil, fmt.Errorf("the client: %s", answer.Broken)
	case answer.Error != "":
		return nil, &exception{answer.Error, answer.Message}, nil
	}
	return answer.Output, nil, nil
}
