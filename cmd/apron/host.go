package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"apron/driver/container"
	"apron/handover"
	"apron/store"
)

// host is a server process: a front that serves clients, and the control plane while this process is in charge of the data.
type host struct {
	cfg    Config
	log    *slog.Logger
	stdout io.Writer

	data     *dataDir
	front    *front
	platform *platform             // nil while this process is not in charge
	before   *handover.Predecessor // nil, or the process that still ends requests from before an upgrade
	doors    []*handover.Door      // the last one is open while this process is in charge
	knocks   chan knock
	failed   chan error // of a port that accepts no more
}

func newHost(cfg Config, log *slog.Logger, stdout io.Writer) *host {
	return &host{cfg: cfg, log: log, stdout: stdout, knocks: make(chan knock), failed: make(chan error, 4)}
}

// run serves until ctx is done, or another process has taken over and the last connection here has ended.
func (h *host) run(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, h.close()) }()
	from, err := h.inherit(ctx)
	switch {
	case err != nil:
		return err
	case from != nil:
		err = h.takeOver(ctx, from)
	default:
		err = h.startUp(ctx)
	}
	if err != nil {
		return err
	}
	return h.serve(ctx)
}

func (h *host) greeting() handover.Greeting {
	return handover.Greeting{Protocol: handover.Protocol, Version: version(), Schema: store.Newest(), PID: os.Getpid()}
}

// startUp opens everything, in the order in which a failure is cheapest, and begins to serve.
func (h *host) startUp(ctx context.Context) (err error) {
	if h.data, err = openData(h.cfg.Data); err != nil {
		return err
	}
	if err := h.checkHost(); err != nil {
		return err
	}
	given, err := activated()
	if err != nil {
		return err
	}
	if h.front, err = openFront(ctx, h.cfg, h.log, given); err != nil {
		return err
	}
	if err := h.takeCharge(ctx); err != nil {
		return err
	}
	go h.accept()
	return h.open()
}

// checkHost refuses to start on a machine that cannot run instances: every create would fail. What the machine lacks
// and instances run without is logged.
func (h *host) checkHost() error {
	for _, r := range container.Requirements(h.cfg.Data) {
		switch {
		case r.OK:
		case !r.Mandatory:
			h.log.Warn("this machine limits what instances can have", "requirement", r.Name, "found", r.Detail, "remedy", r.Remedy)
		default:
			return fmt.Errorf("this machine can't run instances: %s: %s. %s; `apron doctor` shows all that is needed", r.Name, r.Detail, r.Remedy)
		}
	}
	return nil
}

// takeCharge opens the data, which this process holds, and takes up what it tells of. Nobody is served by it before open.
func (h *host) takeCharge(ctx context.Context) error {
	p, err := openPlatform(ctx, h.cfg, h.log, h.data, h.front)
	if err != nil {
		return err
	}
	if err := p.start(ctx); err != nil {
		return errors.Join(err, p.stop(), p.Close())
	}
	h.front.settle()
	h.platform = p
	return nil
}

// accept serves the services' port until the front drains.
func (h *host) accept() {
	l, err := another(h.front.edge)
	if err == nil {
		err = h.front.services.Serve(l)
	}
	if err != nil {
		h.fail(err)
	}
}

func (h *host) fail(err error) {
	select {
	case h.failed <- err:
	default: // there is one that ends the process already
	}
}

// open answers on the API's port, says where it is, and begins with what is to be done.
func (h *host) open() error {
	if err := h.front.api.open(h.platform.handler(), h.fail); err != nil {
		return err
	}
	if err := writeAddress(h.cfg.Data, h.address()); err != nil {
		return err
	}
	door, err := handover.OpenDoor(h.cfg.Data, h.knock)
	if err != nil {
		return err
	}
	h.doors = append(h.doors, door)
	h.platform.begin()
	h.announce()
	notify(daemon.SdNotifyReady + fmt.Sprintf("\nMAINPID=%d", os.Getpid()))
	return nil
}

// notify tells systemd, if that is who started this, which process serves.
func notify(state string) { _, _ = daemon.SdNotify(false, state) }

// serve returns when this process has nothing to do any more.
func (h *host) serve(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return h.stop()
		case <-h.platform.work.Done(): // a part failed
			return h.stop()
		case err := <-h.failed:
			return errors.Join(err, h.stop())
		case k := <-h.knocks:
			left, err := h.handOver(ctx, k)
			k.done <- err
			switch {
			case left != nil:
				return h.follow(ctx, left)
			case h.platform == nil:
				return errors.Join(err, h.stop())
			}
		}
	}
}

// stop ends in order: no new request, requests in flight end, operations stop at their cursor. Instances are left
// running.
func (h *host) stop() error {
	h.shutDoors()
	h.endBefore()
	h.front.shutdown(shutdownLimit)
	err := os.Remove(filepath.Join(h.cfg.Data, addressFile))
	if h.platform != nil {
		err = errors.Join(err, h.platform.stop())
	}
	return err
}

// shutDoors takes no more requests of `apron upgrade`.
func (h *host) shutDoors() {
	for _, door := range h.doors {
		_ = door.Shut() // or it is shut already
	}
}

// close lets go of everything.
func (h *host) close() error {
	var errs []error
	if h.front != nil {
		h.front.endTelling() // while what services are can be looked up
	}
	if h.platform != nil {
		errs = append(errs, h.platform.Close())
	}
	if h.front != nil {
		errs = append(errs, h.front.close())
	}
	h.shutDoors()
	for _, door := range h.doors {
		door.Wait()
	}
	if h.data != nil {
		errs = append(errs, h.data.Close())
	}
	return errors.Join(errs...)
}

// endBefore tells the process from before an upgrade, if there still is one, to end what it has left, as this one does.
func (h *host) endBefore() {
	if h.before == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), shutdownLimit)
	defer cancel()
	_, _ = h.before.Ask(ctx, askEnd, nil, nil) // or it has ended
	select {
	case <-h.before.Done():
	case <-ctx.Done():
		_ = h.before.Close()
	}
}

// tcp is the connection that a file is the socket of.
func tcp(f *os.File) (net.Conn, error) {
	defer f.Close()
	return net.FileConn(f)
}

const askLimit = 5 * time.Second
