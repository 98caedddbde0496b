package main_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	pb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// grpcLimit is for one call that is to end by itself.
const grpcLimit = time.Minute

// TestPeerGRPC_EveryKindOfCallPasses has grpc-go at both ends: what a client and a server say to each other through the
// platform is what they would say without it.
func TestPeerGRPC_EveryKindOfCallPasses(t *testing.T) {
	p := newPeer(t, "grpc", 1)
	p.eachScheme(func(t *testing.T, scheme string) {
		c := p.callGRPC(t, scheme)
		t.Run("unary with metadata and trailers", c.unary)
		t.Run("a failure with its message", c.failure)
		t.Run("a method that is not there", c.unimplemented)
		t.Run("server stream", c.serverStream)
		t.Run("client stream", c.clientStream)
		t.Run("1,000 messages there and back", c.pingPong)
		t.Run("50 calls at once", c.parallel)
		t.Run("deadline", c.deadline)
		t.Run("cancel", c.cancel)
	})
}

// grpcCaller is a client of the service.
type grpcCaller struct {
	scheme string
	conn   *grpc.ClientConn
	pb.TestServiceClient
}

func (p *peer) callGRPC(t *testing.T, scheme string) *grpcCaller {
	t.Helper()
	option := grpc.WithTransportCredentials(insecure.NewCredentials())
	authority := p.url
	if scheme == "https" {
		option = grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: p.roots, ServerName: p.host}))
		authority = p.host // grpc-go wants it to be what the certificate is for
	}
	conn, err := grpc.NewClient("passthrough:///"+p.edge(), option, grpc.WithAuthority(authority))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &grpcCaller{scheme, conn, pb.NewTestServiceClient(conn)}
}

func (c *grpcCaller) unary(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), grpcLimit)
	defer cancel()
	ctx = metadata.AppendToOutgoingContext(ctx, "x-told", "one", "x-told", "two", "x-told-bin", "\x00\xff\x0a")
	body := bytes.Repeat([]byte("0123456789"), 100_000)
	var header, trailer metadata.MD
	out, err := c.UnaryCall(ctx, &pb.SimpleRequest{Payload: &pb.Payload{Body: body}}, grpc.Header(&header), grpc.Trailer(&trailer))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Payload.GetBody(), body) {
		t.Errorf("a payload of %d bytes came back as %d", len(body), len(out.Payload.GetBody()))
	}
	if got := header["x-told"]; !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("header x-told = %q, want what was sent", got)
	}
	if got := trailer["x-told-bin"]; !slices.Equal(got, []string{"\x00\xff\x0a"}) {
		t.Errorf("trailer x-told-bin = %q, want what was sent", got)
	}
	if got := trailer["x-proto"]; !slices.Equal(got, []string{c.scheme}) {
		t.Errorf("the server saw X-Forwarded-Proto %q, want %s", got, c.scheme)
	}
}

func (c *grpcCaller) failure(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), grpcLimit)
	defer cancel()
	want := status.New(codes.FailedPrecondition, "not yet:\t\n\u2603 100 %")
	var trailer metadata.MD
	ctx = metadata.AppendToOutgoingContext(ctx, "x-told-bin", "why")
	_, err := c.UnaryCall(ctx, &pb.SimpleRequest{ResponseStatus: &pb.EchoStatus{Code: int32(want.Code()), Message: want.Message()}}, grpc.Trailer(&trailer))
	if got := status.Convert(err); got.Code() != want.Code() || got.Message() != want.Message() {
		t.Errorf("status = %v %q, want %v %q", got.Code(), got.Message(), want.Code(), want.Message())
	}
	if got := trailer["x-told-bin"]; !slices.Equal(got, []string{"why"}) {
		t.Errorf("trailer x-told-bin of a failed call = %q", got)
	}
}

func (c *grpcCaller) unimplemented(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), grpcLimit)
	defer cancel()
	err := c.conn.Invoke(ctx, "/grpc.testing.TestService/Nothing", &pb.Empty{}, &pb.Empty{})
	if got := status.Code(err); got != codes.Unimplemented {
		t.Errorf("status = %v (%v), want Unimplemented", got, err)
	}
}

func (c *grpcCaller) serverStream(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), grpcLimit)
	defer cancel()
	sizes := []int{31415, 0, 9, 2653, 589790}
	stream, err := c.StreamingOutputCall(ctx, wantSizes(sizes...))
	if err != nil {
		t.Fatal(err)
	}
	var got []int
	for {
		message, err := stream.Recv()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, len(message.Payload.GetBody()))
	}
	if !slices.Equal(got, sizes) {
		t.Errorf("sizes = %v, want %v", got, sizes)
	}
}

func wantSizes(sizes ...int) *pb.StreamingOutputCallRequest {
	request := &pb.StreamingOutputCallRequest{}
	for _, n := range sizes {
		request.ResponseParameters = append(request.ResponseParameters, &pb.ResponseParameters{Size: int32(n)})
	}
	return request
}

func (c *grpcCaller) clientStream(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), grpcLimit)
	defer cancel()
	stream, err := c.StreamingInputCall(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var want int
	for _, n := range []int{27182, 8, 0, 1828, 459040} {
		if err := stream.Send(&pb.StreamingInputCallRequest{Payload: &pb.Payload{Body: make([]byte, n)}}); err != nil {
			t.Fatal(err)
		}
		want += n
	}
	out, err := stream.CloseAndRecv()
	if err != nil || int(out.AggregatedPayloadSize) != want {
		t.Errorf("the server counted %v, %v; want %d", out, err, want)
	}
}

// pingPong sends no message before the one before has come back, so one that is kept anywhere on the way ends it.
func (c *grpcCaller) pingPong(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), grpcLimit)
	defer cancel()
	stream, err := c.FullDuplexCall(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		body := fmt.Appendf(nil, "message %d", i)
		if err := stream.Send(&pb.StreamingOutputCallRequest{Payload: &pb.Payload{Body: body}}); err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
		out, err := stream.Recv()
		if err != nil || !bytes.Equal(out.Payload.GetBody(), body) {
			t.Fatalf("message %d came back as %v, %v", i, out, err)
		}
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if out, err := stream.Recv(); err != io.EOF {
		t.Errorf("after the last message = %v, %v; want the end", out, err)
	}
}

func (c *grpcCaller) parallel(t *testing.T) {
	group, ctx := errgroup.WithContext(t.Context())
	ctx, cancel := context.WithTimeout(ctx, grpcLimit)
	defer cancel()
	for i := range 50 {
		group.Go(func() error {
			body := bytes.Repeat([]byte{byte(i)}, 1000*i)
			out, err := c.UnaryCall(ctx, &pb.SimpleRequest{Payload: &pb.Payload{Body: body}})
			if err == nil && !bytes.Equal(out.Payload.GetBody(), body) {
				err = fmt.Errorf("call %d got another's payload", i)
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
}

func (c *grpcCaller) deadline(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	err := c.untilEnd(t, ctx, func() {})
	if got := status.Code(err); got != codes.DeadlineExceeded {
		t.Errorf("a stream that never ends = %v (%v), want DeadlineExceeded", got, err)
	}
	c.serverHasNone(t)
}

func (c *grpcCaller) cancel(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), grpcLimit)
	defer cancel()
	err := c.untilEnd(t, ctx, cancel)
	if got := status.Code(err); got != codes.Canceled {
		t.Errorf("a stream that was cancelled = %v (%v), want Canceled", got, err)
	}
	c.serverHasNone(t)
}

// untilEnd opens a stream that sends one message and no end, and returns what ends it. first is called at the message.
func (c *grpcCaller) untilEnd(t *testing.T, ctx context.Context, first func()) error {
	t.Helper()
	stream, err := c.StreamingOutputCall(ctx, wantSizes(1, -1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatalf("first message: %v", err)
	}
	first()
	_, err = stream.Recv()
	return err
}

// serverHasNone waits until the server has learnt that nobody waits for its endless streams any more.
func (c *grpcCaller) serverHasNone(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), grpcLimit)
	defer cancel()
	for {
		var trailer metadata.MD
		if _, err := c.UnaryCall(ctx, &pb.SimpleRequest{}, grpc.Trailer(&trailer)); err != nil {
			t.Fatalf("the server still has endless streams: %v, %v", trailer["x-endless"], err)
		}
		if slices.Equal(trailer["x-endless"], []string{"0"}) {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}
