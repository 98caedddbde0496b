package awsjson

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"syscall"
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
	return failedExchange{u, "", connected}.because(err)
}

// failedExchange is a request that was not answered.
type failedExchange struct {
	url   *url.URL
	proxy string // empty for none
	stage exchangeStage
}

// exchangeStage is how far a request came.
type exchangeStage int32

const (
	connecting  exchangeStage = iota // to the server, or to the proxy and through it
	handshaking                      // for TLS
	connected
)

func (x failedExchange) because(err error) *ConnectionError {
	kind, err := x.fault(err)
	if kind == FaultProxy {
		return &ConnectionError{kind, maskedProxy(x.proxy), err}
	}
	return &ConnectionError{kind, x.url.String(), err}
}

func (x failedExchange) fault(err error) (ConnectionFault, error) {
	operation, _ := errors.AsType[*net.OpError](err)
	dialing := operation != nil && (operation.Op == "dial" || operation.Op == "proxyconnect")
	late, _ := errors.AsType[net.Error](err)
	switch timeout := late != nil && late.Timeout(); {
	case dialing && timeout:
		return FaultConnectTimeout, err
	case timeout:
		return FaultReadTimeout, err
	case dialing && x.proxy == "":
		return FaultConnect, err
	case dialing:
		return FaultProxy, err
	case x.stage == handshaking && !errors.Is(err, syscall.ECONNRESET): // a reset says nothing of TLS
		return FaultTLS, handshakeError(err)
	case x.proxy != "" && (x.stage == connecting || lostConnection(err)):
		return FaultProxy, err
	}
	return FaultClosed, err
}

// lostConnection tells an end of the connection from an answer that makes no sense.
func lostConnection(err error) bool {
	_, broken := errors.AsType[*net.OpError](err)
	return broken || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
