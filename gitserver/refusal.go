package gitserver

import (
	"context"
	"errors"
	"fmt"
)

// refusal is an error that the client is to read, in one line: what it sent is not taken, and what to do about it. All
// other errors are the server's own: they go to its log.
type refusal struct{ text string }

func (e *refusal) Error() string { return e.text }

func refuse(format string, args ...any) error { return &refusal{fmt.Sprintf(format, args...)} }

var errOurs = errors.New("the server failed; its log says why")

// public is what of err the client may read. The rest is logged.
func (s *Server) public(ctx context.Context, err error, doing string) error {
	if err == nil {
		return nil
	}
	if told, ok := errors.AsType[*refusal](err); ok {
		return told
	}
	if ctx.Err() != nil {
		s.cfg.Log.Debug("a git client left", "doing", doing, "error", err)
	} else {
		s.cfg.Log.Error("serving git failed", "doing", doing, "error", err)
	}
	return errOurs
}
