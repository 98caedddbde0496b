package fleet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"apron/driver"
)

// StartError says why an instance did not become healthy, or stopped being it: the news of the service's owner,
// which a retry with the same revision is not expected to change.
type StartError struct {
	Service    string
	Revision   string
	InstanceID string
	Reason     string       // in App Runner's words where they are known
	Exit       *driver.Exit // when the instance ended
	Log        []string     // the last lines of the application's output, oldest first; they may hold secrets
	cause      error
}

// Error is the reason without the log lines.
func (e *StartError) Error() string { return e.Reason }

// Unwrap returns the driver's error, which may be nil.
func (e *StartError) Unwrap() error { return e.cause }

// endedError is the cause with which an instance's life ends when its process did.
type endedError struct{ exit driver.Exit }

func (e *endedError) Error() string { return fmt.Sprintf("ended with code %d", e.exit.Code) }

// errAllowance is the cause when the start allowance is over.
var errAllowance = errors.New("the start allowance is over")

// startFailed explains an error of driver.Start. What is not the image's fault is ours and stays a plain error.
func (i *instance) startFailed(err error) error {
	if _, ok := errors.AsType[*driver.ImageError](err); ok {
		reason := "The image cannot be run: " + err.Error() + ". Check the image and the start command."
		return i.failure(reason, nil, err)
	}
	return fmt.Errorf("start instance %s: %w", i.id, err)
}

// endFailed explains the end of the process.
func (i *instance) endFailed(exit driver.Exit) error {
	reason := fmt.Sprintf("Your application stopped or failed to start. "+
		"See logs for more information.  Container exit code: %d", exit.Code)
	if exit.OOM {
		reason += fmt.Sprintf(". It was ended for using more than its %d MiB of memory", i.rev.Memory)
	}
	return i.failure(reason, &exit, nil)
}

// probesFailed explains an instance that answered wrong, or not, until somebody lost patience.
func (i *instance) probesFailed(within time.Duration, last error) error {
	reason := i.rev.healthCheckFailed()
	if within > 0 {
		reason += fmt.Sprintf(" Not healthy within %v.", within)
	}
	if last != nil {
		reason += fmt.Sprintf(" Last answer: %v.", last)
	}
	return i.failure(reason, nil, last)
}

func (i *instance) failure(reason string, exit *driver.Exit, cause error) error {
	return &StartError{
		Service: i.rev.Service, Revision: i.rev.ID, InstanceID: i.id,
		Reason: reason, Exit: exit, Log: lastLines(i.logPath), cause: cause,
	}
}

const (
	tailLines = 20
	tailBytes = 16 << 10
)

// lastLines reads the end of a log. Without a log there are none: that is no second failure.
func lastLines(path string) []string {
	file, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer file.Close()
	if size, err := file.Seek(0, io.SeekEnd); err == nil {
		file.Seek(max(0, size-tailBytes), io.SeekStart)
	}
	text, _ := io.ReadAll(io.LimitReader(file, tailBytes))
	lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	if len(lines) == 1 && lines[0] == "" {
		return nil
	}
	return lines[max(0, len(lines)-tailLines):]
}

// sleep waits for d, or returns the cause of the end of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
