package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"apron/cli/argparse"
	"apron/cli/model"
	"apron/cli/progress"
	"apron/cli/wait"
)

// waiters are those that App Runner never had, in the form of AWS's: apprunner wait service-paused --service-arn ARN.
var waiters = []string{"service-running", "service-paused", "service-deleted", operationWaiter}

const operationWaiter = "operation-succeeded"

// The exit codes of a wait beside 0, for what was waited for, and AWS's own 255, for what is not going to be.
const (
	exitRolledBack = 3 // the operation failed, and what ran before runs on
	exitTimedOut   = 4
)

// defaultWait is as long as AWS's waiters wait: 40 times 15 seconds.
const defaultWait = "600"

func (r *run) wait(s *model.Service) command {
	return func(ctx context.Context, args []string, g *settings) (int, error) {
		commands := map[string]command{"help": r.serviceHelp(s)}
		for _, name := range waiters {
			commands[name] = r.waiter(s, name)
		}
		l := level{parser: &argparse.Parser{Prog: Prog, Usage: argparse.Usage(Prog)}, commands: commands}.choose("subcommand", append(slices.Clone(waiters), "help"))
		parsed, rest, err := l.parser.Parse(args)
		if err != nil {
			return 0, err
		}
		return l.find(text(parsed, "subcommand"))(ctx, rest, g)
	}
}

// waiterModel is the waiters as operations that print nothing, for completion.
func waiterModel() *model.Service {
	s := &model.Service{Name: model.AppRunner.Name}
	for _, name := range waiters {
		input := *model.AppRunner.Operation("pause-service").Input
		if name == operationWaiter {
			input = *model.Apron.Operation("describe-operation").Input
		}
		timeout := model.Member{Name: "Timeout", Doc: "How many seconds to wait at most; " + defaultWait + " where it is not said.", Shape: &model.Shape{Type: "integer"}}
		input.Members = append(slices.Clone(input.Members), timeout)
		s.Operations = append(s.Operations, &model.Operation{CLIName: name, Input: &input})
	}
	return s
}

func (r *run) waiter(s *model.Service, name string) command {
	return func(ctx context.Context, args []string, g *settings) (int, error) {
		p := &argparse.Parser{Prog: Prog, Usage: argparse.Usage(Prog)}
		p.Add(argparse.Argument{Name: "--service-arn", Required: true})
		p.Add(argparse.Argument{Name: "--timeout", Default: defaultWait, Type: argparse.Int})
		if name == operationWaiter {
			p.Add(argparse.Argument{Name: "--operation-id", Required: true})
		}
		parsed, rest, err := p.Parse(args)
		if err != nil {
			return 0, err
		}
		if len(rest) > 0 {
			return 0, unknownOptions(rest)
		}
		seconds, _ := parsed.Get("timeout")
		limit, ok := seconds.(int64)
		if !ok || limit < 1 || limit > int64(maxTimeout/time.Second) {
			return 0, paramError("--timeout is a whole number of seconds, at least 1")
		}
		client, err := r.session.connect(ctx, s, g, r.userAgent("apprunner.wait."+name), r.trace)
		if err != nil {
			return 0, err
		}
		w := wait.Wait{Source: wait.From(client.Client), Timeout: time.Duration(limit) * time.Second}
		return r.await(ctx, w, name, text(parsed, "service_arn"), text(parsed, "operation_id"))
	}
}

// await shows on a terminal what is waited for, and makes an exit code of how the wait ends.
func (r *run) await(ctx context.Context, w wait.Wait, name, arn, id string) (int, error) {
	line := progress.New(nil)
	if isTerminal(r.Stderr) {
		line = progress.New(r.Stderr)
	}
	w.Progress = func(p wait.Progress) { line.Show(told(name, p)) }
	var err error
	if name == "operation-succeeded" {
		_, err = w.Operation(ctx, arn, id)
	} else {
		_, err = w.Service(ctx, arn, wait.State(name[len("service-"):]))
	}
	line.Clear()
	if interrupted(ctx, err) {
		fmt.Fprintf(r.Stderr, "\nStopped waiting; what was begun goes on at the server. `apron apprunner list-operations --service-arn %s` shows it.\n", arn)
		return exitInterrupted, nil
	}
	failure, ok := errors.AsType[*wait.Error](err)
	if !ok {
		return exitOK, err
	}
	fmt.Fprintf(r.Stderr, "\n%v\n", failure)
	switch failure.Outcome {
	case wait.RolledBack:
		return exitRolledBack, nil
	case wait.TimedOut:
		return exitTimedOut, nil
	}
	return exitGeneral, nil
}

// told is what a wait has seen, in a line. An operation that has ended is not what is waited for.
func told(name string, p wait.Progress) string {
	switch op := p.Operation; {
	case p.Trouble != nil:
		return fmt.Sprintf("%s: no answer, trying again: %v", name, p.Trouble)
	case op != nil && !wait.Ended(op):
		return strings.TrimSpace(fmt.Sprintf("%s: %s is %s %s", name, op.Type, op.Status, deref(op.Step)))
	case p.Service != nil:
		return fmt.Sprintf("%s: the service is %s", name, p.Service.Status)
	}
	return name
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
