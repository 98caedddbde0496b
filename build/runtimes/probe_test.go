package runtimes

import (
	"context"
	"errors"
	"testing"
)

// A build that is cancelled does not wait for the version command of another's base, which may take a minute.
func TestVersionOf_EndsWithItsContextWhileItWaits(t *testing.T) {
	b, err := New(Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	b.probing <- struct{}{}
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("the operation was cancelled")
	cancel(cause)
	if _, err := b.versionOf(ctx, Runtime{}, "sha256:ab"); !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
}
