package proxy

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// isGRPC reports whether r is a gRPC request: those go to the instance over HTTP/2, because their status comes in a
// trailer. gRPC-Web, which browsers speak, is none.
func isGRPC(r *http.Request) bool {
	rest, found := strings.CutPrefix(r.Header.Get("Content-Type"), "application/grpc")
	return found && r.ProtoMajor == 2 && (rest == "" || rest[0] == '+' || rest[0] == ';')
}

// Statuses of gRPC that a client is told for a failure of ours or of the instance's, by their numbers in grpc/status.md.
const (
	grpcCancelled         = 1
	grpcDeadlineExceeded  = 4
	grpcPermissionDenied  = 7
	grpcResourceExhausted = 8
	grpcInternal          = 13
	grpcUnavailable       = 14
)

func grpcStatus(status int) int {
	switch status {
	case http.StatusTooManyRequests, http.StatusRequestEntityTooLarge:
		return grpcResourceExhausted
	case http.StatusGatewayTimeout, http.StatusRequestTimeout:
		return grpcDeadlineExceeded
	case http.StatusBadRequest:
		return grpcInternal
	}
	return grpcUnavailable
}

// failGRPC tells a failure as gRPC clients expect it: an answer of HTTP that went well, with the status and its text.
func (x *exchange) failGRPC(f failure, err error) {
	status, reset := x.resetStatus(err)
	if !reset || f.status != http.StatusBadGateway {
		status = grpcStatus(f.status)
	}
	h := x.Header()
	h.Set("Content-Type", "application/grpc")
	h.Set("Grpc-Status", strconv.Itoa(status))
	h.Set("Grpc-Message", grpcMessage(fmt.Sprintf("%s (request id %s)", f.text, x.requestID)))
	x.WriteHeader(http.StatusOK)
	x.status.Store(int32(f.status)) // what it is counted as
}

// grpcMessage escapes what may not stand in the header Grpc-Message.
func grpcMessage(text string) string {
	var b strings.Builder
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '%' {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// streamError has the form of net/http's own error for a stream that the other end has reset, which fills in what has that form.
type streamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

func (e streamError) Error() string { return fmt.Sprintf("stream was reset with code %d", e.Code) }

// grpcReset is what a client is told of an instance that has reset its stream, by HTTP/2's codes; see gRPC's PROTOCOL-HTTP2.md,
// Errors. All others are Internal.
var grpcReset = map[uint32]int{
	0x7: grpcUnavailable,       // REFUSED_STREAM
	0x8: grpcCancelled,         // CANCEL
	0xb: grpcResourceExhausted, // ENHANCE_YOUR_CALM
	0xc: grpcPermissionDenied,  // INADEQUATE_SECURITY
}

// resetStatus is the status of gRPC for what err says of an instance's reset of its stream; ok is false when err says none. It is
// what servers do at a call's deadline, often before the client has noticed that itself.
func (x *exchange) resetStatus(err error) (status int, ok bool) {
	reset, ok := errors.AsType[streamError](err)
	if !ok || !x.grpc {
		return 0, false
	}
	status, known := grpcReset[reset.Code]
	switch {
	case !known:
		status = grpcInternal
	case status == grpcCancelled && x.pastGRPCTimeout():
		status = grpcDeadlineExceeded
	}
	return status, true
}

// endGRPC ends an answer that the instance's reset breaks off, and reports whether it was one. net/http could pass on no code but
// INTERNAL_ERROR.
func (x *exchange) endGRPC(res *http.Response, err error) bool {
	status, ok := x.resetStatus(err)
	if !ok || x.ctx.Err() != nil {
		return false
	}
	x.reason = "instance reset the stream"
	x.report(failure{reason: x.reason, level: slog.LevelDebug}, x.requestID, int(x.status.Load()), err)
	if res.Trailer == nil {
		res.Trailer = http.Header{}
	}
	res.Trailer.Set("Grpc-Status", strconv.Itoa(status))
	res.Trailer.Set("Grpc-Message", "The instance reset the stream")
	return true
}

// pastGRPCTimeout reports whether the time is over that the client has given the call.
func (x *exchange) pastGRPCTimeout() bool {
	text := x.grpcTimeout
	if text == "" {
		return false
	}
	n, err := strconv.ParseInt(text[:len(text)-1], 10, 64)
	unit := map[byte]time.Duration{'H': time.Hour, 'M': time.Minute, 'S': time.Second, 'm': time.Millisecond, 'u': time.Microsecond, 'n': 1}[text[len(text)-1]]
	return err == nil && unit > 0 && int64(time.Since(x.began)/unit) >= n
}
