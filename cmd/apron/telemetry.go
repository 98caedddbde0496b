package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"time"

	"apron/api"
	"apron/build"
	"apron/fleet"
	"apron/operation"
	"apron/store"
	"apron/tags"
	"apron/telemetry"
)

// newTelemetry makes what is told of every request that the front has served.
func newTelemetry(c Config, log *slog.Logger, f *front) (*telemetry.Telemetry, error) {
	cfg := telemetry.Config{Log: log, Services: f.requested, AccessLog: f.accessLog}
	spans, err := c.spans()
	if err != nil {
		return nil, err
	}
	if spans != nil {
		spans.Version = version()
		cfg.Spans = telemetry.NewExporter(*spans)
	}
	return telemetry.New(cfg), nil
}

// spans says where spans go; nil for nowhere.
func (c *Config) spans() (*telemetry.ExporterConfig, error) {
	spans, err := telemetry.FromEnvironment(c.OTLPEndpoint, os.Getenv)
	if err != nil || spans == nil || c.TraceRatio == "" {
		return spans, err
	}
	spans.Sampler.Ratio, err = strconv.ParseFloat(c.TraceRatio, 64)
	if r := spans.Sampler.Ratio; err != nil || !(r >= 0 && r <= 1) {
		return nil, fmt.Errorf("--trace-ratio is %q and must be a number from 0 to 1, such as 0.1", c.TraceRatio)
	}
	return spans, nil
}

func (c *Config) checkSpans() error {
	_, err := c.spans()
	return err
}

// requestedServices tells telemetry what services are that had requests.
func (p *platform) requestedServices(ctx context.Context, ids []string) (map[string]telemetry.Service, error) {
	found := map[string]telemetry.Service{}
	err := p.store.View(ctx, func(tx *store.Tx) error {
		for _, id := range ids {
			svc, err := tx.ServiceByID(id)
			if errors.Is(err, store.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			list, err := tx.Tags(svc.Service.ServiceArn)
			if err != nil {
				return err
			}
			found[id] = requestedService(svc, list)
		}
		return nil
	})
	return found, err
}

func requestedService(svc store.Service, list []store.Tag) telemetry.Service {
	values := map[string]string{}
	for _, tag := range list {
		values[tag.Key] = tag.Value
	}
	settings, _ := tags.Read(values) // what cannot be read, operation has told of
	return telemetry.Service{
		ID: svc.Service.ServiceId, Name: svc.Service.ServiceName, Account: svc.Account, Region: svc.Region,
		AccessLog: !settings.NoAccessLog, Deleted: svc.Service.Status == api.StatusDeleted,
	}
}

func (p *platform) accessLog(svc telemetry.Service) (io.WriteCloser, error) {
	return p.logs.AccessLog(operation.Group(api.Service{ServiceName: svc.Name, ServiceId: svc.ID}))
}

// metrics serves Prometheus. The account that the server belongs to sees all accounts and the machine, as it does the disk.
func (p *platform) metrics() http.Handler {
	login := func(ctx context.Context, user, password string) (telemetry.Access, bool, error) {
		access, ok, err := p.keys.login(ctx, user, password)
		return telemetry.Access{Account: access.Account, All: access.Account == p.keys.owner}, ok, err
	}
	return p.telemetry.Handler(telemetry.Sources{States: p.states, Machine: p.machine}, login, p.cfg.AllowAnonymous)
}

// states are how the services of the account, or of all for "", stand.
func (p *platform) states(ctx context.Context, account string) (list []telemetry.State, err error) {
	err = p.store.View(ctx, func(tx *store.Tx) error {
		for _, status := range undeleted {
			rows, err := tx.ServicesIn(status)
			if err != nil {
				return err
			}
			for _, row := range rows {
				if account == "" || row.Record.Account == account {
					list = append(list, telemetry.State{Service: requestedService(row.Record, nil), Status: string(status)})
				}
			}
		}
		return nil
	})
	for i := range list {
		p.fillState(ctx, &list[i])
	}
	return list, err
}

// fillState adds what proxy and fleet know. An instance that cannot be looked at just now is left out.
func (p *platform) fillState(ctx context.Context, s *telemetry.State) {
	stats := p.proxy.Stats(s.ID)
	s.InFlight, s.Waiting = stats.InFlight, stats.Waiting
	ready, starting := p.fleet.Counts(s.ID)
	s.Wanted = ready + starting
	instances, err := p.fleet.Usage(ctx, s.ID)
	if err != nil {
		p.log.Debug("instances could not be looked at for /metrics", "service", s.ID, "error", err)
	}
	for _, i := range instances {
		if n, _ := p.proxy.Use(s.ID, i.ID); n > 0 {
			s.Active++
		}
		s.Instances = append(s.Instances, meteredInstance(i))
	}
}

func meteredInstance(i fleet.Usage) telemetry.Instance {
	return telemetry.Instance{
		ID: i.ID, State: i.State, Began: i.StartedAt, CPU: i.CPU, CPULimit: float64(i.CPULimit) / unitsPerCPU,
		Memory: i.Memory, MemoryLimit: i.MemoryLimit,
	}
}

// unitsPerCPU is how many of App Runner's units of CPU a vCPU has.
const unitsPerCPU = 1024

func (p *platform) machine(context.Context) (telemetry.Machine, error) {
	space, err := p.disk.Space()
	return telemetry.Machine{Version: version(), DiskTotal: space.Total, DiskUsed: space.Used, DiskAvail: space.Available}, err
}

// scale is what the autoscaler has decided, which repeats itself until it is so.
func (p *platform) scale(service string, size int) {
	ready, starting := p.fleet.Counts(service)
	if wanted := ready + starting; wanted != size {
		p.telemetry.Scaled(service, wanted, size)
	}
	p.fleet.Scale(service, size)
}

func (p *platform) operationEnded(account string, op api.OperationSummary) {
	p.telemetry.OperationEnded(account, string(*op.Type), string(*op.Status), op.EndedAt.Sub(op.StartedAt.Time))
}

// countedBuilds counts what a builder does.
type countedBuilds struct {
	*build.Builder
	telemetry *telemetry.Telemetry
}

// Build is that of build.Builder.
func (b countedBuilds) Build(ctx context.Context, r build.Request) (build.Result, error) {
	began := time.Now()
	result, err := b.Builder.Build(ctx, r)
	outcome := "built"
	_, refused := errors.AsType[*build.Error](err)
	switch {
	case refused:
		outcome = "failed"
	case err != nil:
		outcome = "given_up" // cancelled, say, or the server ends
	case result.Reused:
		outcome = "reused"
	}
	b.telemetry.BuildEnded(r.Account, outcome, time.Since(began))
	return result, err
}
