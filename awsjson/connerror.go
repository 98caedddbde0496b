package awsjson

import (
	"context"
	"errors"
	"net"
	"net/url"
	"os"
)

// ConnectionError says that an action got no whole answer. All of them are tried again.
type ConnectionError struct {
	Kind ConnectionFault
	URL  string // of the endpoint, or of the proxy for FaultProxy
	Err  error
}

// ConnectionFault is how a connection failed.
type ConnectionFault int

const (
	FaultOther          ConnectionFault = iota
	FaultConnect                        // nobody answers there, or there is no such host
	FaultConnectTimeout                 // connecting took too long
	FaultReadTimeout                    // the answer took too long
	FaultClosed                         // the connection ended before the answer did
	FaultTLS                            // the server is not who it should be
	FaultProxy                          // the proxy could not be reached, or refused
)

// Unwrap returns the cause.
func (e *ConnectionError) Unwrap() error { return e.Err }

func (e *ConnectionError) Error() string {
	switch e.Kind {
	case FaultConnect:
		return `Could not connect to the endpoint URL: "` + e.URL + `"`
	case FaultConnectTimeout:
		return `Connect timeout on endpoint URL: "` + e.URL + `"`
	case FaultReadTimeout:
		return `Read timeout on endpoint URL: "` + e.URL + `"`
	case FaultClosed:
		return `Connection was closed before we received a valid response from endpoint URL: "` + e.URL + `".`
	case FaultTLS:
		return "SSL validation failed for " + e.URL + " " + e.Err.Error()
	case FaultProxy:
		return `Failed to connect to proxy URL: "` + e.URL + `"`
	}
	return "An HTTP Client raised an unhandled exception: " + e.Err.Error()
}

// timeout reports whether the fault is one of time, which costs more to try again.
func (e *ConnectionError) timeout() bool {
	return e.Kind == FaultConnectTimeout || e.Kind == FaultReadTimeout
}

// unanswered says why there is no answer. The end of ctx is no fault of the connection.
func unanswered(ctx context.Context, u *url.URL, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if e, ok := errors.AsType[*ConnectionError](err); ok {
		return e
	}
	return &ConnectionError{Kind: faultOf(err), URL: u.String(), Err: err}
}

func faultOf(err error) ConnectionFault {
	dial, dialing := errors.AsType[*net.OpError](err)
	dialing = dialing && dial.Op == "dial"
	timeout := errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded)
	switch {
	case dialing && timeout:
		return FaultConnectTimeout
	case dialing:
		return FaultConnect
	case timeout:
		return FaultReadTimeout
	}
	return FaultClosed
}
