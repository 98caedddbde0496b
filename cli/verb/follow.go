package verb

import (
	"context"
	"errors"
	"fmt"

	"apron/api"
	"apron/cli/wait"
)

// begun is an operation that the server has taken on, and may have to be followed.
type begun struct {
	target
	doing     string       // as in "pausing"
	service   *api.Service // as the server answered; nil where the action tells nothing of it
	operation string       // its id; empty when there was nothing to do
	shown     bool         // its log has been, to the end
}

// result is the document that --json prints. What is not known is not in it.
type result struct {
	Service     *api.Service   `json:"Service,omitempty"`
	OperationId string         `json:"OperationId,omitempty"`
	Operation   *api.Operation `json:"Operation,omitempty"` // once it has been waited for
}

// follow waits until what was begun has ended, unless it is not to, and tells how it went.
func (s *session) follow(ctx context.Context, f *flags, b begun) error {
	if b.operation != "" && !f.wait {
		return s.leave(b)
	}
	var op *api.Operation
	var failure error
	if b.operation != "" {
		op, failure = s.await(ctx, f, b, b.doing+" "+b.name)
	}
	if ctx.Err() != nil {
		return failure
	}
	svc, err := s.describe(ctx, b.arn)
	if err != nil && failure == nil {
		return err
	}
	if s.json {
		return errors.Join(s.print(result{Service: svc, OperationId: b.operation, Operation: op}), failure)
	}
	if failure == nil {
		s.say("%s", s.settled(svc))
	}
	return failure
}

// leave prints the operation's id alone, for scripts, and the rest beside it.
func (s *session) leave(b begun) error {
	if s.json {
		return s.print(result{Service: b.service, OperationId: b.operation})
	}
	s.tell("%s %s: follow it with `%s`", b.doing, b.name, b.followed())
	s.say("%s", b.operation)
	return nil
}

func (b begun) followed() string {
	return fmt.Sprintf("apron wait operation %s --service %s", b.operation, b.reference())
}

// reference is how to name the service later: a deleted one by its ARN alone.
func (b begun) reference() string {
	if b.doing == deleting {
		return b.arn
	}
	return b.name
}

// await waits for the operation and shows its steps in a line that begins with text.
func (s *session) await(ctx context.Context, f *flags, b begun, text string) (*api.Operation, error) {
	w, clear := s.waiter(f, text)
	live, progress := s.liveLog(b), w.Progress
	w.Progress = func(p wait.Progress) {
		live.show(ctx, clear)
		progress(p)
	}
	op, err := w.Operation(ctx, b.arn, b.operation)
	clear()
	if err == nil {
		return op, nil
	}
	b.shown = live != nil && live.lines > 0
	return op, s.explain(ctx, b, op, err)
}

// waiter is a wait that shows what it sees in a line that begins with text, until clear takes the line away.
func (s *session) waiter(f *flags, text string) (w wait.Wait, clear func()) {
	line := s.line()
	line.Show(text)
	w = wait.Wait{Source: wait.From(s.client), Timeout: f.timeout}
	w.Progress = func(p wait.Progress) { line.Show(text + p.String()) }
	return w, line.Clear
}

// explain says why the wait ended without a success, and chooses the exit code.
func (s *session) explain(ctx context.Context, b begun, op *api.Operation, err error) error {
	goesOn := fmt.Sprintf("goes on on the server: `%s` follows it, `apron cancel %s` ends it", b.followed(), b.reference())
	if ctx.Err() != nil {
		return exit{fmt.Errorf("stopped waiting; %s %s %s", b.doing, b.name, goesOn), codeInterrupted}
	}
	e, ok := errors.AsType[*wait.Error](err)
	if !ok {
		return fmt.Errorf("%s %s: %w", b.doing, b.name, err)
	}
	switch e.Outcome {
	case wait.TimedOut:
		return exit{fmt.Errorf("%s %s has not ended in time and %s", b.doing, b.name, goesOn), codeTimedOut}
	case wait.RolledBack:
		s.lastWords(ctx, b)
		return exit{fmt.Errorf("%s %s failed and was rolled back, the version before goes on serving: %s", b.doing, b.name, reason(op, e)), codeRolledBack}
	}
	s.lastWords(ctx, b)
	return exit{fmt.Errorf("%s %s failed: %s", b.doing, b.name, reason(op, e)), codeFailed}
}

// reason is the server's, or where that does not tell all that is known.
func reason(op *api.Operation, e *wait.Error) string {
	switch {
	case op != nil && deref(op.Reason) != "":
		return deref(op.Reason)
	case op != nil && wait.Ended(op):
		return fmt.Sprintf("operation %s is %s", op.Id, op.Status)
	}
	return e.Reason
}

// settled is a service at rest, in a line.
func (s *session) settled(svc *api.Service) string {
	text := fmt.Sprintf("%s is %s", svc.ServiceName, svc.Status)
	if svc.Status == api.StatusRunning {
		text += " at " + s.url(deref(svc.ServiceUrl))
	}
	return text
}
