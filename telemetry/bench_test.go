package telemetry

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"apron/proxy"
)

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) Close() error                { return nil }

// BenchmarkEnded is what a request costs: its figures, and its line to where it is written.
func BenchmarkEnded(b *testing.B) {
	t := New(Config{
		Log:       slog.New(slog.DiscardHandler),
		AccessLog: func(Service) (io.WriteCloser, error) { return discard{}, nil },
		Services: func(_ context.Context, ids []string) (map[string]Service, error) {
			return map[string]Service{ids[0]: {ID: ids[0], Name: "web", AccessLog: true}}, nil
		},
	})
	r := exampleRecord()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if t.Ended(r); i%500 == 499 {
			t.writeAll(b.Context())
		}
	}
	if lost := (*t.services.Load())[r.Service].lines.lost; lost > 0 {
		b.Errorf("%d lines were lost", lost)
	}
}

func BenchmarkLine(b *testing.B) {
	r := exampleRecord()
	buffer := appendLine(nil, r)
	b.ReportAllocs()
	for b.Loop() {
		buffer = appendLine(buffer[:0], r)
	}
}

func exampleRecord() *proxy.Record {
	return &proxy.Record{
		Service: "0123456789abcdef0123456789abcdef", Instance: "fedcba9876543210fedcba9876543210",
		RequestID: "2f5e9a34-7b1c-4d2e-8f3a-1b2c3d4e5f60",
		Method:    "GET", Host: "abcdefghij.us-east-1.apron.localhost:8080", Target: "/items/17?page=2&sort=name", Proto: "HTTP/1.1",
		Client: "192.0.2.17", Agent: "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
		Status: 200, Sent: 5123, Began: time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC),
		FirstByte: 1234 * time.Microsecond, Took: 2 * time.Millisecond,
	}
}
