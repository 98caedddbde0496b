package runtimes

import (
	"errors"
	"fmt"
	"strings"

	"apron/image"
)

// Error is the user's or the operator's to mend: no base to be had, a version that no base has. Its text says what to do.
type Error struct{ Reason string }

func (e *Error) Error() string { return e.Reason }

// explain makes an *Error of what image says of images and registries. The rest is this machine's own trouble and stays.
func explain(err error) error {
	if isOf[*image.NotFoundError](err) || isOf[*image.AuthError](err) || isOf[*image.PlatformError](err) ||
		isOf[*image.UnreachableError](err) || isOf[*image.InvalidError](err) || isOf[*image.TooLargeError](err) {
		return &Error{err.Error()}
	}
	return err
}

func isOf[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// about puts what an *Error is about before it.
func about(what string, err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		return &Error{what + ": " + e.Reason}
	}
	return fmt.Errorf("%s: %w", what, err)
}

// suits refuses a version that is not the runtime's, or not the one that is asked for.
func (r Runtime) suits(where, version, lock string) error {
	switch {
	case !fits(r.Line, version):
		return &Error{fmt.Sprintf("%s has version %s, which is not %s", where, version, r.Title)}
	case !fits(lock, version):
		return &Error{fmt.Sprintf("%s has %s, not %s", where, version, lock)}
	}
	return nil
}

// noBase says what was tried, and what can be done.
func (r Runtime) noBase(lock string, tried []string) error {
	what := "There is no base for runtime " + r.Name
	if lock != "" {
		what = "Runtime version " + lock + " is not supported: no base for " + r.Name + " has it"
	}
	ways := []string{fmt.Sprintf("name an image that has it with `apron serve --runtime-image %s=IMAGE`", r.Name)}
	if lock != "" {
		ways = append(ways, "lock another version, or none")
	}
	if r.Suite != "" {
		ways = append(ways, fmt.Sprintf("make one of Debian packages with `apron runtime build %s`", r.Name))
	}
	return &Error{fmt.Sprintf("%s. Tried: %s. To go on, %s; `apron runtime ls` shows what there is", what, strings.Join(tried, "; "), strings.Join(ways, ", or "))}
}
