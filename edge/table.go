package edge

import (
	"cmp"
	"context"
	"net"
	"net/netip"
	"sync"
	"syscall"
)

// table has the connections that are open, and how many each client has.
type table struct {
	max, maxClient int

	mu      sync.Mutex
	open    map[*conn]struct{}
	clients map[netip.Addr]int
	empty   chan struct{} // closed when the last connection ends while somebody waits for that; nil otherwise

	notices notices
	refused chan struct{} // a place for each refusal that is being told
}

const (
	mostConns    = 1 << 16
	mostRefusals = 64 // told at a time; the others are closed without a word
)

func newTable(most, mostClient int) *table {
	most = cmp.Or(most, affordable())
	return &table{
		max:       most,
		maxClient: cmp.Or(mostClient, max(most/2, 1)),
		open:      map[*conn]struct{}{},
		clients:   map[netip.Addr]int{},
		refused:   make(chan struct{}, mostRefusals),
	}
}

// affordable is how many connections the limit of open files allows: a client's and an instance's for each request, and some for
// the rest of the program. Go has raised the limit to what it may be.
func affordable() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Cur > 4*mostConns {
		return mostConns
	}
	return min(max((int(limit.Cur)-1024)/2, 64), mostConns)
}

// enter gives raw its place, or says which limit it is over.
func (t *table) enter(raw net.Conn) (*conn, *refusal) {
	client := clientOf(raw)
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case len(t.open) >= t.max:
		return nil, &refusal{"all connections that the server may have are in use", "max_conns", t.max}
	case t.clients[client] >= t.maxClient:
		return nil, &refusal{"this client has as many connections as one may", "max_conns_per_client", t.maxClient}
	}
	c := &conn{Conn: raw, table: t, client: client}
	c.idle.Store(true)
	t.open[c] = struct{}{}
	t.clients[client]++
	return c, nil
}

// leave gives c's place free. It may be called more than once.
func (t *table) leave(c *conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, open := t.open[c]; !open {
		return
	}
	delete(t.open, c)
	if t.clients[c.client]--; t.clients[c.client] == 0 {
		delete(t.clients, c.client)
	}
	if t.empty != nil && len(t.open) == 0 {
		close(t.empty)
		t.empty = nil
	}
}

// wait returns nil when no connection is open, or ctx's error.
func (t *table) wait(ctx context.Context) error {
	t.mu.Lock()
	if len(t.open) == 0 {
		t.mu.Unlock()
		return nil
	}
	if t.empty == nil {
		t.empty = make(chan struct{})
	}
	empty := t.empty
	t.mu.Unlock()
	select {
	case <-empty:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t *table) closeIdle() {
	for _, c := range t.list() {
		if c.idle.Load() {
			_ = c.Close()
		}
	}
}

func (t *table) closeAll() {
	for _, c := range t.list() {
		_ = c.Close()
	}
}

func (t *table) list() []*conn {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := make([]*conn, 0, len(t.open))
	for c := range t.open {
		list = append(list, c)
	}
	return list
}

// clientOf is who is counted: whoever has one IPv6 address has the 2^64 of its network.
func clientOf(c net.Conn) netip.Addr {
	addr, ok := c.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	ip := addr.AddrPort().Addr().Unmap().WithZone("")
	if ip.Is6() {
		if network, err := ip.Prefix(64); err == nil {
			return network.Addr()
		}
	}
	return ip
}
