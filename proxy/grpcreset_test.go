package proxy

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"
)

// stuck is a server that never answers, or stops amid its answer. grpc-go resets the stream when the call's time is over.
type stuck struct {
	testgrpc.UnimplementedTestServiceServer
	until chan struct{}
}

func (s stuck) UnaryCall(context.Context, *testgrpc.SimpleRequest) (*testgrpc.SimpleResponse, error) {
	<-s.until
	return &testgrpc.SimpleResponse{}, nil
}

func (s stuck) StreamingOutputCall(_ *testgrpc.StreamingOutputCallRequest, out grpc.ServerStreamingServer[testgrpc.StreamingOutputCallResponse]) error {
	err := out.Send(&testgrpc.StreamingOutputCallResponse{})
	<-s.until
	return err
}

// TestGRPC_ServersEndAtTheDeadlineIsTold asks with a deadline that the client itself does not watch: what it learns of it, it
// learns from the server, which resets the stream.
func TestGRPC_ServersEndAtTheDeadlineIsTold(t *testing.T) {
	e := newEdge2(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv, until := grpc.NewServer(), make(chan struct{})
	testgrpc.RegisterTestServiceServer(srv, stuck{until: until})
	go srv.Serve(l)
	t.Cleanup(func() { close(until); srv.Stop() })
	e.place("i1", l.Addr().String())
	e.open("i1")
	for range 3 {
		for method, kind := range map[string]func(*http.Response) http.Header{
			"UnaryCall":           func(res *http.Response) http.Header { return res.Header },
			"StreamingOutputCall": func(res *http.Response) http.Header { return res.Trailer },
		} {
			r := e.request("POST", "/grpc.testing.TestService/"+method, strings.NewReader("\x00\x00\x00\x00\x00")) // an empty message
			r.Header.Set("Content-Type", "application/grpc")
			r.Header.Set("Te", "trailers")
			r.Header.Set("Grpc-Timeout", "20m")
			res, _ := e.do(r)
			if got := kind(res).Get("Grpc-Status"); got != "4" {
				t.Errorf("%s ends with status %q, want that of a deadline; %v, %v", method, got, res.Header, res.Trailer)
			}
		}
	}
}

// TestGRPC_BrokenAnswerIsTold has an instance that breaks off by itself.
func TestGRPC_BrokenAnswerIsTold(t *testing.T) {
	e := newEdge(t, netHTTP)
	e.http2Instance("i1", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/grpc")
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	e.open("i1")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	_, err := testgrpc.NewTestServiceClient(e.grpcClient()).UnaryCall(ctx, &testgrpc.SimpleRequest{})
	if s := status.Convert(err); s.Code() != codes.Internal || s.Message() != "The instance reset the stream" {
		t.Errorf("got %v", err)
	}
}
