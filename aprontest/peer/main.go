// Command peer is the service at the far end of the tests with real clients: every protocol that a service may speak, by the
// library that a service would use. PEER=grpc makes it a gRPC server; otherwise it speaks HTTP and WebSocket.
package main

import (
	"cmp"
	"context"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	l, err := net.Listen("tcp", ":"+cmp.Or(os.Getenv("PORT"), "8080"))
	if err != nil {
		log.Fatal(err)
	}
	serve := serveHTTP
	if os.Getenv("PEER") == "grpc" {
		serve = serveGRPC
	}
	if err := serve(ctx, l); err != nil {
		log.Fatal(err)
	}
}

// serveHTTP serves until ctx is done.
func serveHTTP(ctx context.Context, l net.Listener) error {
	server := &http.Server{Handler: web(), ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 256 << 10}
	context.AfterFunc(ctx, func() { server.Close() })
	if err := server.Serve(l); err != http.ErrServerClosed {
		return err
	}
	return nil
}
