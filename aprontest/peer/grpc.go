package main

import (
	"context"
	"io"
	"net"
	"strconv"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	pb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// tester is the service that gRPC's own tests of other implementations call.
type tester struct {
	pb.UnimplementedTestServiceServer
	endless atomic.Int32 // streams that wait for their clients to go
}

func serveGRPC(ctx context.Context, l net.Listener) error {
	server := grpc.NewServer()
	pb.RegisterTestServiceServer(server, &tester{})
	context.AfterFunc(ctx, server.Stop)
	return server.Serve(l)
}

// told is the name under which a client says something that it wants to hear again.
const told = "x-told"

// UnaryCall sends the payload back, with what the client said of itself in the header and in the trailer, or fails with
// the status that it asks for. The trailer counts the endless streams, too.
func (t *tester) UnaryCall(ctx context.Context, in *pb.SimpleRequest) (*pb.SimpleResponse, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	if err := grpc.SetHeader(ctx, metadata.MD{told: md[told]}); err != nil {
		return nil, err
	}
	grpc.SetTrailer(ctx, metadata.MD{told + "-bin": md[told+"-bin"], "x-proto": md["x-forwarded-proto"], "x-endless": {strconv.Itoa(int(t.endless.Load()))}})
	if want := in.ResponseStatus; want != nil && want.Code != 0 {
		return nil, status.Error(codes.Code(want.Code), want.Message)
	}
	return &pb.SimpleResponse{Payload: in.Payload}, nil
}

// StreamingOutputCall sends payloads of the sizes that are asked for, and waits for ever where one is negative.
func (t *tester) StreamingOutputCall(in *pb.StreamingOutputCallRequest, out grpc.ServerStreamingServer[pb.StreamingOutputCallResponse]) error {
	for _, p := range in.ResponseParameters {
		if p.Size < 0 {
			t.endless.Add(1)
			defer t.endless.Add(-1)
			<-out.Context().Done()
			return status.FromContextError(out.Context().Err()).Err()
		}
		if err := out.Send(&pb.StreamingOutputCallResponse{Payload: &pb.Payload{Body: make([]byte, p.Size)}}); err != nil {
			return err
		}
	}
	return nil
}

// StreamingInputCall counts the bytes that are sent.
func (*tester) StreamingInputCall(in grpc.ClientStreamingServer[pb.StreamingInputCallRequest, pb.StreamingInputCallResponse]) error {
	var n int
	for {
		message, err := in.Recv()
		if err == io.EOF {
			return in.SendAndClose(&pb.StreamingInputCallResponse{AggregatedPayloadSize: int32(n)})
		}
		if err != nil {
			return err
		}
		n += len(message.Payload.GetBody())
	}
}

// FullDuplexCall sends each payload back before it takes the next.
func (*tester) FullDuplexCall(both grpc.BidiStreamingServer[pb.StreamingOutputCallRequest, pb.StreamingOutputCallResponse]) error {
	for {
		message, err := both.Recv()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := both.Send(&pb.StreamingOutputCallResponse{Payload: message.Payload}); err != nil {
			return err
		}
	}
}
