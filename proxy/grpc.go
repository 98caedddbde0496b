package proxy

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// isGRPC reports whether r is a gRPC request: those go to the instance over HTTP/2, because their status comes in a
// trailer. gRPC-Web, which browsers speak, is none.
func isGRPC(r *http.Request) bool {
	rest, found := strings.CutPrefix(r.Header.Get("Content-Type"), "application/grpc")
	return found && r.ProtoMajor == 2 && (rest == "" || rest[0] == '+' || rest[0] == ';')
}

// Statuses of gRPC that a client is told for a failure of ours, by their numbers in grpc/status.md.
const (
	grpcDeadlineExceeded  = 4
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
func (x *exchange) failGRPC(f failure) {
	h := x.Header()
	h.Set("Content-Type", "application/grpc")
	h.Set("Grpc-Status", strconv.Itoa(grpcStatus(f.status)))
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
