package proxy

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/interop"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"
)

// grpcInstance starts grpc-go's own interoperability server as the instance.
func (e *edge) grpcInstance(id string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		e.tb.Fatal(err)
	}
	srv := grpc.NewServer()
	testgrpc.RegisterTestServiceServer(srv, interop.NewTestServer())
	go srv.Serve(l)
	e.tb.Cleanup(srv.Stop)
	e.place(id, l.Addr().String())
}

// grpcClient connects to the service "web".
func (e *edge) grpcClient() *grpc.ClientConn {
	c, err := grpc.NewClient("passthrough:///"+strings.TrimPrefix(e.URL, "http://"), grpc.WithAuthority("web.test"),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		e.tb.Fatal(err)
	}
	e.tb.Cleanup(func() { c.Close() })
	return c
}

// TestGRPC_PassesItsOwnInteroperabilityTests runs those of grpc-go, server and client, with the proxy between. Each ends
// the process with its reason when it fails.
func TestGRPC_PassesItsOwnInteroperabilityTests(t *testing.T) {
	e := newEdge(t, netHTTP)
	e.grpcInstance("i1")
	e.open("i1")
	c := e.grpcClient()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	service := testgrpc.NewTestServiceClient(c)
	for name, do := range map[string]func(context.Context, testgrpc.TestServiceClient, ...grpc.CallOption){
		"empty unary":                 interop.DoEmptyUnaryCall,
		"large unary":                 interop.DoLargeUnaryCall,
		"client streaming":            interop.DoClientStreaming,
		"server streaming":            interop.DoServerStreaming,
		"ping pong":                   interop.DoPingPong,
		"empty stream":                interop.DoEmptyStream,
		"timeout on sleeping server":  interop.DoTimeoutOnSleepingServer,
		"cancel after begin":          interop.DoCancelAfterBegin,
		"cancel after first response": interop.DoCancelAfterFirstResponse,
		"custom metadata":             interop.DoCustomMetadata,
		"status code and message":     interop.DoStatusCodeAndMessage,
		"special status message":      interop.DoSpecialStatusMessage,
	} {
		t.Run(name, func(*testing.T) { do(ctx, service) })
	}
	t.Run("unimplemented service", func(*testing.T) {
		interop.DoUnimplementedService(ctx, testgrpc.NewUnimplementedServiceClient(c))
	})
	t.Run("unimplemented method", func(*testing.T) { interop.DoUnimplementedMethod(ctx, c) })
	eventually(t, "nothing is in flight", func() bool { return e.InFlight("web") == 0 })
}

func TestGRPC_StreamMayBeSilentBeforeItsFirstMessage(t *testing.T) {
	e := newEdge(t, netHTTP, func(c *Config) { c.BodyIdle = 50 * time.Millisecond })
	e.grpcInstance("i1")
	e.open("i1")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	stream, err := testgrpc.NewTestServiceClient(e.grpcClient()).FullDuplexCall(ctx)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is in flight", func() bool { return e.InFlight("web") == 1 })
	time.Sleep(200 * time.Millisecond)
	stream.Send(&testgrpc.StreamingOutputCallRequest{ResponseParameters: []*testgrpc.ResponseParameters{{Size: 3}}})
	if m, err := stream.Recv(); err != nil || len(m.Payload.GetBody()) != 3 {
		t.Errorf("got %v, %v", m, err)
	}
}

func TestGRPC_FailuresOfTheProxyAreStatusesWithTheirReason(t *testing.T) {
	for name, c := range map[string]struct {
		place  func(e *edge)
		limits Limits
		code   codes.Code
		text   string
	}{
		"refused": {func(e *edge) { e.place("i1", "") }, Limits{}, codes.Unavailable, "refused the connection"},
		"too slow": {func(e *edge) { e.raw("i1", func(c net.Conn) { io.Copy(io.Discard, c) }) },
			Limits{RequestTimeout: 200 * time.Millisecond}, codes.DeadlineExceeded, "upstream request timeout"},
		"too large": {func(e *edge) { e.grpcInstance("i1") }, Limits{BodyLimit: 3}, codes.ResourceExhausted, "longer than the 3 bytes"},
		"not HTTP/2": {func(e *edge) { e.backend("i1", say("hello")) },
			Limits{}, codes.Unavailable, "see its application log"},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEdge(t, netHTTP)
			c.place(e)
			e.SetLimits("web", c.limits)
			e.open("i1")
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			_, err := testgrpc.NewTestServiceClient(e.grpcClient()).UnaryCall(ctx, &testgrpc.SimpleRequest{ResponseSize: 10})
			if s := status.Convert(err); s.Code() != c.code || !strings.Contains(s.Message(), c.text) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestGRPCMessage_EscapesWhatAHeaderCannotHold(t *testing.T) {
	if got := grpcMessage("100% ä\n"); got != "100%25 %C3%A4%0A" {
		t.Errorf("got %q", got)
	}
}

// http2Instance starts a server that speaks HTTP/2 without TLS and nothing else, as the instance.
func (e *edge) http2Instance(id string, h http.HandlerFunc) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		e.tb.Fatal(err)
	}
	srv := &http.Server{Handler: h, Protocols: &http.Protocols{}}
	srv.Protocols.SetUnencryptedHTTP2(true)
	go srv.Serve(l)
	e.tb.Cleanup(func() { srv.Close() })
	e.place(id, l.Addr().String())
}

// fallback is ServeConn as the services' port uses it: with net/http for what needs that.
var fallback = way{"ServeConn with a fallback", func(p *Proxy, l net.Listener) func() {
	web := newPipeListener()
	stop := netHTTP.serve(p, web)
	via := Via{Fallback: func(c net.Conn, read []byte) {
		web.conns <- &readConn{c, io.MultiReader(bytes.NewReader(bytes.Clone(read)), c)}
	}}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.ServeConn(c, nil, via)
		}
	}()
	return func() { l.Close(); stop() }
}}

// readConn is a connection of which something was read before.
type readConn struct {
	net.Conn
	from io.Reader
}

func (c *readConn) Read(p []byte) (int, error) { return c.from.Read(p) }

func TestH2C_ServiceIsSpokenToInHTTP2(t *testing.T) {
	for _, via := range []way{netHTTP, fallback} {
		e := newEdge(t, via)
		e.http2Instance("i1", func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			w.Header().Set("X-Seen", r.Proto+" "+r.Host+" "+r.RequestURI+" "+r.Header.Get("X-Forwarded-For"))
			w.Header().Set("Trailer", "X-Sum")
			w.Write(body)
			w.Header().Set("X-Sum", "42")
		})
		e.SetLimits("web", Limits{H2C: true})
		e.open("i1")
		for range 2 { // over a kept-alive connection too
			res, body := e.do(e.request("POST", "/a%2Fb?q=1", strings.NewReader("payload")))
			if seen := res.Header.Get("X-Seen"); seen != "HTTP/2.0 web.test /a%2Fb?q=1 127.0.0.1" || body != "payload" {
				t.Errorf("arrived as %q, answered %d %q", seen, res.StatusCode, body)
			}
			if got := res.Trailer.Get("X-Sum"); got != "42" {
				t.Errorf("trailer %q", got)
			}
		}
	}
}
