package telemetry

import (
	"context"
	"log/slog"

	"apron/proxy"
)

// Exporter sends spans to a collector.
type Exporter struct{}

func (e *Exporter) outcomes() map[string]uint64 { return nil }

func (e *Exporter) add(*proxy.Record) {}

func (e *Exporter) run(ctx context.Context, log *slog.Logger) error { return nil }
