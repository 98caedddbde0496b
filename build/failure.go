package build

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"apron/driver"
)

// errLimit is the cause with which a build ends that takes too long.
var errLimit = errors.New("the time limit of the build is over")

// maxShown is how much of a command a sentence shows.
const maxShown = 120

// short is the command in one line, for the log.
func (w *work) short(c command) string {
	first, _, more := strings.Cut(strings.TrimSpace(c.line), "\n")
	first = w.hide.Replace(first)
	if len(first) > maxShown {
		first, more = strings.ToValidUTF8(first[:maxShown], ""), true
	}
	if more {
		return first + " ..."
	}
	return first
}

// named is the command as the subject of a sentence.
func (w *work) named(c command) string {
	return fmt.Sprintf("The %s command `%s`", c.list, w.short(c))
}

// exitError is nil when the commands succeeded; who is the last of them that ran.
func exitError(who string, exit driver.Exit, memory int, last []string) error {
	if exit.Code == 0 && exit.Signal == 0 {
		return nil
	}
	e := &Error{Log: last}
	switch {
	case exit.OOM:
		e.Reason = fmt.Sprintf("%s ran out of its %d MiB of memory: let it use less, or start the server with more --build-memory.", who, memory)
	case exit.Code < 0:
		return fmt.Errorf("%s ended and nobody saw how", who)
	case exit.Code == 126:
		e.Reason = who + " failed with exit code 126: a file that it starts may not be executed. Commit it as executable, or start it by its interpreter."
	case exit.Code == 127:
		e.Reason = who + " failed with exit code 127: a program that it starts was not found. Install it in a command before this one, or choose a runtime that has it."
	case exit.Code > 128 && unix.SignalName(unix.Signal(exit.Code-128)) != "":
		e.Reason = fmt.Sprintf("%s was ended by signal %s.", who, unix.SignalName(unix.Signal(exit.Code-128)))
	default:
		e.Reason = fmt.Sprintf("%s failed with exit code %d.", who, exit.Code)
	}
	return e
}

// endError is why a stage was ended before its commands were done.
func (w *work) endError(ctx context.Context, who string, err error, last []string) error {
	cause := context.Cause(ctx)
	switch {
	case cause == nil:
		return fmt.Errorf("wait for the end of the build: %w", err)
	case errors.Is(cause, errLimit):
		return &Error{Reason: w.tooLong(who + " was running"), Log: last, Cause: cause}
	case errors.Is(cause, errFlood):
		return &Error{Reason: fmt.Sprintf("%s was stopped: it printed %v. Let it print less.", who, errFlood), Log: last, Cause: cause}
	case errors.Is(cause, ErrDisk):
		return &Error{Reason: fmt.Sprintf("%s was stopped: there is %v. Let it write less, or make room on the machine.", who, cause), Log: last, Cause: cause}
	}
	return cause
}

func (w *work) tooLong(what string) string {
	return fmt.Sprintf("The build did not end within %s. %s. Make it shorter, or start the server with a longer --build-limit.",
		duration(w.b.cfg.Limit), what)
}

// duration is without the zeros that time.Duration ends in: "1h", not "1h0m0s".
func duration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// startFailed tells what is wrong with the base from what is wrong with the machine.
func (w *work) startFailed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if e, ok := errors.AsType[*driver.ImageError](err); ok {
		return refuse(err, "The commands cannot be run on the base %s: %s. A base needs a shell, /bin/sh, and the runtime.",
			w.base.Ref, strings.TrimSuffix(e.Reason, "."))
	}
	return fmt.Errorf("start the build: %w", err)
}

// sentence makes one of another package's reason, which may begin or end as a part of an error does.
func sentence(reason string) string {
	first, size := utf8.DecodeRuneInString(reason)
	return string(unicode.ToUpper(first)) + strings.TrimSuffix(reason[size:], ".") + "."
}
