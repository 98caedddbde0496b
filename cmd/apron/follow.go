package main

import (
	"context"
	"errors"
	"time"

	"apron/driver/container"
	"apron/handover"
	"apron/telemetry"
)

// closeIdle closes the connections on which no request is under way. It does not wait.
func (f *front) closeIdle() {
	f.services.CloseIdle()
	done, cancel := context.WithCancel(context.Background())
	cancel()
	_ = f.api.web.Shutdown(done) // begins it
}

// drain accepts no more, and makes every answer the last on its connection.
func (f *front) drain() {
	f.api.drain()
	f.services.Drain()
	_ = f.close()
}

var (
	errLimit  = errors.New("the limit of --handover-limit has passed")
	errLeader = errors.New("the process that has taken over is gone")
	errTold   = errors.New("the server is told to end")
)

// follow goes on with the connections that are left while next is in charge, and returns when the last has ended.
func (h *host) follow(ctx context.Context, l *leaving) error {
	_ = h.data.Close() // the other process has it
	h.data = nil
	h.log.Info("another process is in charge; this one ends with its connections", "in_charge", l.next.PID(), "limit", h.cfg.HandoverLimit)
	background, stop := context.WithCancel(context.Background())
	defer stop()
	go container.CollectChildren(background)
	go h.sendLoads(background, l.next.Conn)
	until, end := context.WithCancelCause(context.Background())
	defer end(nil)
	go h.hurry(ctx, l, until, end)
	return h.outlive(until)
}

// hurry ends until, early when nobody is in charge or wants this process any more.
func (h *host) hurry(ctx context.Context, l *leaving, until context.Context, end context.CancelCauseFunc) {
	cause, grace := errTold, shutdownLimit
	select {
	case <-until.Done():
		return
	case <-time.After(h.cfg.HandoverLimit):
		cause, grace = errLimit, 0
	case <-l.next.Done():
		// Nobody makes changes here any more, and no instance can be connected to.
		cause, grace = errLeader, min(h.cfg.DrainLimit, h.cfg.HandoverLimit)
	case <-ctx.Done():
	case <-l.end:
	}
	h.front.closeIdle()
	select {
	case <-until.Done():
	case <-time.After(grace):
		end(cause)
	}
}

// outlive waits for the last connection here, and for the process before this one, which connects to instances through it.
func (h *host) outlive(until context.Context) error {
	if h.before != nil {
		select {
		case <-h.before.Done():
		case <-until.Done():
			h.endBefore()
		}
	}
	err := h.front.services.Shutdown(until)
	left := h.front.api.emptied(until)
	if err != nil || left > 0 {
		h.log.Warn("connections were cut", "reason", context.Cause(until))
		return nil
	}
	h.log.Info("the last connection has ended")
	return nil
}

const loadsEvery = 500 * time.Millisecond

// sendLoads tells the process in charge what is in flight here, so that it scales by all there is.
func (h *host) sendLoads(ctx context.Context, leader *handover.Conn) {
	for ctx.Err() == nil {
		ask, cancel := context.WithTimeout(ctx, askLimit)
		_, err := leader.Ask(ask, askLoads, h.front.proxy.Loads(), nil)
		cancel()
		if errors.Is(err, handover.ErrGone) {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(loadsEvery):
		}
	}
}

func tellDemand(leader *handover.Conn, service string) {
	ctx, cancel := context.WithTimeout(context.Background(), askLimit)
	defer cancel()
	_, _ = leader.Ask(ctx, askDemand, service, nil) // the loads tell it again
}

func servicesThrough(ctx context.Context, leader *handover.Conn, ids []string) (found map[string]telemetry.Service, err error) {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	_, err = leader.Ask(ctx, askKnown, ids, &found)
	return found, err
}
