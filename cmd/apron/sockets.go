package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"syscall"

	"github.com/coreos/go-systemd/v22/activation"
)

// Names of the listening sockets: in a handover, and as systemd's FileDescriptorName.
const (
	apiSocket  = "api"
	edgeSocket = "edge"
)

// activated are the listening sockets that systemd has opened for this process, by name; none without socket activation.
func activated() (map[string]net.Listener, error) {
	found, err := activation.ListenersWithNames() // and takes the variables away, so that no child believes that they are its own
	if err != nil {
		return nil, fmt.Errorf("take systemd's sockets: %w", err)
	}
	sockets := map[string]net.Listener{}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		if name != apiSocket && name != edgeSocket {
			return nil, fmt.Errorf("systemd passed a socket named %q; set FileDescriptorName=%s or FileDescriptorName=%s in its unit", name, apiSocket, edgeSocket)
		}
		if len(found[name]) != 1 {
			return nil, fmt.Errorf("systemd passed %d sockets named %q; one ListenStream= is served", len(found[name]), name)
		}
		sockets[name] = found[name][0]
	}
	return sockets, nil
}

// listen opens the sockets that given has not.
func listen(ctx context.Context, cfg Config, given map[string]net.Listener) (api, edge *net.TCPListener, err error) {
	if api, err = listenOn(ctx, given[apiSocket], "--api", cfg.API); err != nil {
		return nil, nil, err
	}
	if edge, err = listenOn(ctx, given[edgeSocket], "--edge", cfg.Edge); err != nil {
		return nil, nil, errors.Join(err, api.Close())
	}
	return api, edge, nil
}

func listenOn(ctx context.Context, given net.Listener, flag, addr string) (*net.TCPListener, error) {
	l, err := given, error(nil)
	if l == nil {
		l, err = new(net.ListenConfig).Listen(ctx, "tcp", addr)
	}
	if err != nil {
		if op, ok := errors.AsType[*net.OpError](err); ok {
			err = op.Err // what it adds is the address once more
		}
		return nil, fmt.Errorf("listen on %s: %w; end what uses it, or choose another address of this machine with %s", addr, err, flag)
	}
	tcp, ok := l.(*net.TCPListener)
	if !ok {
		return nil, errors.Join(fmt.Errorf("the socket for %s is a %s one and has to be TCP's", flag, l.Addr().Network()), l.Close())
	}
	return tcp, nil
}

// another is a second descriptor of the socket: closing it ends its Accept and leaves the socket, with the connections that
// wait in it, to the first.
func another(l *net.TCPListener) (net.Listener, error) {
	f, err := l.File()
	if err != nil {
		return nil, fmt.Errorf("open the socket %s again: %w", l.Addr(), err)
	}
	defer f.Close()
	return net.FileListener(f)
}

// sockets are the listening sockets as they are handed on.
func (f *front) sockets() map[string]syscall.Conn {
	return map[string]syscall.Conn{apiSocket: f.api.socket, edgeSocket: f.edge}
}
