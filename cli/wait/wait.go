// Package wait follows what the platform does by itself after it has answered: a service on its way to a status, an
// operation on its way to its end. It has the waiters that App Runner never had. The command line's verbs and its wait
// commands use it. It only asks, shows nothing by itself, and knows neither terminals nor exit codes.
package wait

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"apron/api"
)

// Source is where a wait looks. Its errors are those of the client: what the server refuses is an *awsjson.APIError.
type Source interface {
	// Service describes the service.
	Service(ctx context.Context, arn string) (*api.Service, error)
	// Operation describes one operation of the service, or with id "" the newest. It returns nil when there is none.
	Operation(ctx context.Context, arn, id string) (*api.Operation, error)
}

// Wait is how to wait. Its methods may be used by one goroutine at a time.
type Wait struct {
	Source  Source
	Timeout time.Duration // after which a wait ends with TimedOut; 0 is no limit, since every operation ends by itself

	// Progress is told what each question found out, by the goroutine that waits. It may be nil.
	Progress func(Progress)
}

// Progress is what a wait has seen last.
type Progress struct {
	Service   *api.Service   // nil in a wait for an operation
	Operation *api.Operation // the one under way; nil when none is known
	Trouble   error          // why the server gave no answer; the wait goes on nevertheless, and the rest is as it was before
}

// String is what a progress line says behind what is waited for: the step, or nothing.
func (p Progress) String() string {
	if p.Trouble != nil {
		return ": the server does not answer; asking again"
	}
	op := p.Operation
	if op == nil {
		return ""
	}
	var text strings.Builder
	if step := deref(op.Step); step != "" && !Ended(op) {
		text.WriteString(": " + step)
		if i := slices.IndexFunc(op.Steps, func(s api.OperationStep) bool { return s.Name == step }); i >= 0 {
			fmt.Fprintf(&text, " (%d of %d)", i+1, len(op.Steps))
		}
	}
	if op.Status == api.OperationRollbackInProgress {
		text.WriteString(", going back to the version before")
	}
	return text.String()
}

// The first question is asked again soon, because on one machine most operations take less than a blink.
const (
	firstPause = 10 * time.Millisecond
	lastPause  = 500 * time.Millisecond
	// Patience is how long a server may be silent that has answered before: it is being upgraded, or restarts.
	Patience = time.Minute
)

var errTimeout = errors.New("timed out")

// until asks until there is nothing left to wait for. It returns the context's error, errTimeout, or that of ask.
func (w Wait) until(ctx context.Context, seen *Progress, ask func(context.Context) (done bool, err error)) error {
	if w.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, w.Timeout, errTimeout)
		defer cancel()
	}
	answered := time.Time{} // the last time
	for pause := firstPause; ; pause = min(pause*3/2, lastPause) {
		done, err := ask(ctx)
		switch {
		case err == nil:
			answered, seen.Trouble = time.Now(), nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case !Passing(err) || time.Since(answered) > Patience:
			return err
		default:
			seen.Trouble = err
		}
		if w.Progress != nil {
			w.Progress(*seen)
		}
		if done {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(pause):
		}
	}
}
