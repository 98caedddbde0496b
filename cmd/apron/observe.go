package main

import (
	"context"
	"time"

	"apron/api"
	"apron/autoscale"
	"apron/fleet"
	"apron/logs"
	"apron/operation"
)

// readLog is a control.LogReader over the platform's logs.
func (p *platform) readLog(svc api.Service, stream string, from []byte, limit int) ([]api.LogEvent, []byte, error) {
	var place logs.Place
	if from != nil {
		var err error
		if place, err = logs.DecodePlace(from); err != nil {
			return nil, nil, err
		}
	}
	lines, place, err := p.logs.Page(operation.Group(svc), place, limit, stream)
	if err != nil {
		return nil, nil, err
	}
	var events []api.LogEvent
	for _, line := range lines {
		e := api.LogEvent{Stream: line.Stream, Message: line.Text}
		if !line.At.IsZero() {
			e.Timestamp = new(api.At(line.At))
		}
		events = append(events, e)
	}
	to, err := place.Encode()
	return events, to, err
}

// usage puts together what fleet knows of a service's instances and the proxy of its requests.
func (p *platform) usage(ctx context.Context, svc api.Service) (api.ServiceUsage, error) {
	stats := p.proxy.Stats(svc.ServiceId)
	u := api.ServiceUsage{
		ServiceArn:          svc.ServiceArn,
		RequestsInFlight:    stats.InFlight,
		RequestsTotal:       int(stats.Requests),
		ServerErrorsTotal:   int(stats.Responses[5]),
		LatencyMilliseconds: int(stats.Latency.Milliseconds()),
		Idle:                p.fleet.Asleep(svc.ServiceId),
	}
	ready, starting := p.fleet.Counts(svc.ServiceId)
	u.InstancesHealthy, u.InstancesWanted = ready, ready+starting
	if !stats.LastRequest.IsZero() {
		u.LastRequestAt = new(api.At(stats.LastRequest))
	}
	instances, err := p.fleet.Usage(ctx, svc.ServiceId)
	for _, i := range instances {
		u.Instances = append(u.Instances, instanceUsage(i))
	}
	u.MeasuredAt = api.At(time.Now())
	return u, err
}

// observeLoad is what the autoscaler sees of a service.
func (p *platform) observeLoad(service string) (autoscale.Observation, bool) {
	load := p.proxy.Load(service)
	ready, starting := p.fleet.Counts(service)
	return autoscale.Observation{
		At: time.Now(), InFlight: load.InFlight, Waiting: load.Waiting, Peak: load.Peak,
		Ready: ready, Starting: starting, LastUse: load.LastUse,
	}, true
}

// instanceStatus are fleet's words for how an instance stands, as clients know them.
var instanceStatus = map[string]api.InstanceStatus{
	"adopted": api.InstanceFound, "starting": api.InstanceStarting, "healthy": api.InstanceHealthy,
	"failed": api.InstanceFailed, "leaving": api.InstanceLeaving,
}

func instanceUsage(i fleet.Usage) api.InstanceUsage {
	u := api.InstanceUsage{
		InstanceId:       i.ID,
		OperationId:      i.Revision,
		Status:           instanceStatus[i.State],
		CpuNanoseconds:   int(i.CPU.Nanoseconds()),
		MemoryBytes:      int(i.Memory),
		MemoryLimitBytes: int(i.MemoryLimit),
	}
	if !i.StartedAt.IsZero() {
		u.StartedAt = new(api.At(i.StartedAt))
	}
	return u
}
