package operation_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"apron/api"
	"apron/driver"
	"apron/driver/drivertest"
)

// TestFailure_NamesNoSecret plants a secret where users have theirs, and a driver that quotes it at length.
func TestFailure_NamesNoSecret(t *testing.T) {
	bubble(t, func(r *rig) {
		const secret = "correct-horse-battery"
		r.fake.SetFault(func(spec driver.Spec) drivertest.Fault {
			return drivertest.Fault{StartErr: fmt.Errorf("exec /app with %q: %s", spec.Env, strings.Repeat("no memory ", 1000))}
		})
		arn := r.create("web-app", map[string]string{"TOKEN": secret, "DEBUG": "1", "KEY": "two\nlines " + secret, "URL": "postgres://me:" + secret + "@db"})
		op := r.ends(arn, api.OperationFailed)
		if !strings.Contains(op.Failure, "TOKEN=(value of TOKEN)") || !strings.Contains(op.Failure, "URL=(value of URL)") || !strings.Contains(op.Failure, "DEBUG=1") {
			t.Errorf("failure = %.300q, want what is no secret", op.Failure)
		}
		if len(op.Failure) > 2100 {
			t.Errorf("failure has %d bytes", len(op.Failure))
		}
		for line := range strings.Lines(r.log()) {
			if strings.Contains(line, "operation_id") && strings.Contains(line, secret) {
				t.Errorf("the server's log has the secret: %.300s", line)
			}
		}
		r.requireNowhere(secret, "logs")
	})
}

// TestFailure_HasNothingThatTheApplicationPrinted keeps an application's output in its own streams.
func TestFailure_HasNothingThatTheApplicationPrinted(t *testing.T) {
	bubble(t, func(r *rig) {
		arn := r.create("web-app", map[string]string{"EXIT_AT_START": "3"})
		op := r.ends(arn, api.OperationFailed)
		r.wantLine("deployment", r.deployment(arn), "ending at start with code 3")
		if strings.Contains(op.Failure, "ending at start") || strings.Contains(r.log(), "ending at start") {
			t.Errorf("failure = %q, or the server's log has what the application printed", op.Failure)
		}
	})
}

// requireNowhere reads every file under the directory of the machine.
func (r *rig) requireNowhere(secret, dir string) {
	r.t.Helper()
	err := filepath.WalkDir(filepath.Join(r.machine.dir, dir), func(path string, d os.DirEntry, err error) error {
		if errors.Is(err, os.ErrNotExist) {
			return nil // it was removed just now
		}
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if strings.Contains(string(data), secret) {
			r.t.Errorf("%s has the secret", path)
		}
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		return err
	})
	if err != nil {
		r.t.Error(err)
	}
}
