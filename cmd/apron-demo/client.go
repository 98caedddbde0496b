package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/apprunner"

	"apron/aprontest"
)

// client calls an action by its CLI name.
type client interface {
	name() string
	call(ctx context.Context, action string, input map[string]any) (reply, error)
}

// reply is what the demo reads of an answer.
type reply struct {
	Service     struct{ ServiceArn, ServiceUrl, Status string }
	OperationId string
}

func chooseClient(p *aprontest.Platform) client {
	if path, err := exec.LookPath("aws"); err == nil {
		return cli{path, p}
	}
	return sdk{p.Client()}
}

// cli is the aws command of this machine.
type cli struct {
	path     string
	platform *aprontest.Platform
}

func (cli) name() string { return "aws apprunner" }

func (c cli) call(ctx context.Context, action string, input map[string]any) (r reply, err error) {
	text, err := json.Marshal(input)
	if err != nil {
		return r, err
	}
	// The endpoint is named because older versions of the CLI do not read AWS_ENDPOINT_URL_APPRUNNER.
	cmd := exec.CommandContext(ctx, c.path, "apprunner", action, "--endpoint-url", c.platform.APIURL(),
		"--output", "json", "--cli-input-json", string(text))
	cmd.Env = os.Environ()
	for name, value := range c.platform.Env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return r, fmt.Errorf("aws apprunner %s: %w\n%s", action, err, strings.TrimSpace(stderr.String()))
	}
	if len(bytes.TrimSpace(out)) == 0 {
		return r, nil // the answer has no member
	}
	return r, json.Unmarshal(out, &r)
}

// sdk is AWS's SDK for Go, for machines without the CLI.
type sdk struct{ *apprunner.Client }

func (sdk) name() string { return "SDK" }

func (s sdk) call(ctx context.Context, action string, input map[string]any) (r reply, err error) {
	switch action {
	case "create-service":
		return invoke(ctx, input, s.CreateService)
	case "describe-service":
		return invoke(ctx, input, s.DescribeService)
	case "pause-service":
		return invoke(ctx, input, s.PauseService)
	case "resume-service":
		return invoke(ctx, input, s.ResumeService)
	case "tag-resource":
		return invoke(ctx, input, s.TagResource)
	case "delete-service":
		return invoke(ctx, input, s.DeleteService)
	}
	return r, fmt.Errorf("the demo does not call %s", action)
}

// invoke calls an SDK method; its input and output have the members of the CLI's JSON.
func invoke[In, Out any](ctx context.Context, input map[string]any, f func(context.Context, *In, ...func(*apprunner.Options)) (*Out, error)) (r reply, err error) {
	var in In
	if err := convert(input, &in); err != nil {
		return r, err
	}
	out, err := f(ctx, &in)
	if err != nil {
		return r, err
	}
	return r, convert(out, &r)
}

func convert(from, into any) error {
	text, err := json.Marshal(from)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}
