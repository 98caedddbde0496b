package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"
)

// rest comes before each measurement, so that none meets what the one before has left to do.
const rest = 300 * time.Millisecond

// loads measures one kind of load: all peers in turns, round by round.
func (b *bench) loads(ctx context.Context, r row) error {
	found := map[*peer][]load{}
	peers := b.having(r)
	for _, p := range peers {
		_, _ = b.run(ctx, p, r, b.connections, time.Second) // to warm up: what is wrong is seen below
	}
	for range b.rounds {
		for _, p := range peers {
			time.Sleep(rest)
			l, err := b.run(ctx, p, r, b.connections, b.duration)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", p.title, r.title, err)
			}
			found[p] = append(found[p], l)
		}
	}
	b.printLoads(os.Stdout, r, peers, found)
	if r.logged && strings.Contains(b.platform.Log(), "lines of access logs were lost") {
		fmt.Println("apron has lost lines of its access log in this, so its row says little.")
	}
	return nil
}

// having are the peers that take this kind of load.
func (b *bench) having(r row) (peers []*peer) {
	for _, p := range b.peers {
		if p.address(r) != "" {
			peers = append(peers, p)
		}
	}
	return peers
}

// holding is what a proxy had resident, in bytes.
type holding struct {
	fresh      int64 // just started, after its first requests
	plain, tls int64 // what the idle connections have added
}

// memory measures what idle connections hold: each proxy just started, so that nothing is left of a load before.
func (b *bench) memory(ctx context.Context) error {
	found := map[*peer][]holding{}
	for range b.rounds {
		for _, p := range b.peers {
			if p.pid() == 0 {
				continue
			}
			var h holding
			var err error
			if h.fresh, h.plain, err = b.idleMemory(ctx, p, row{path: "/"}); err == nil {
				_, h.tls, err = b.idleMemory(ctx, p, row{path: "/", tls: true})
			}
			if err != nil {
				return fmt.Errorf("%s, idle connections: %w", p.title, err)
			}
			found[p] = append(found[p], h)
		}
	}
	b.printHoldings(os.Stdout, found)
	return nil
}

// settle is how long a proxy is left alone before its memory is read.
const settle = time.Second

// idleMemory starts the peer anew and opens the connections.
func (b *bench) idleMemory(ctx context.Context, p *peer, r row) (fresh, added int64, err error) {
	if err := p.restart(ctx); err != nil {
		return 0, 0, err
	}
	if _, err := b.run(ctx, p, r, workers, time.Second); err != nil { // what the first requests make it load is not the connections'
		return 0, 0, err
	}
	time.Sleep(settle)
	if fresh, err = memoryOf(p.pid()); err != nil {
		return 0, 0, err
	}
	idle, err := b.openIdle(ctx, p, r)
	if err != nil {
		return 0, 0, err
	}
	time.Sleep(settle)
	full, err := memoryOf(p.pid())
	if closed := idle.close(); err == nil {
		err = closed
	}
	return fresh, full - fresh, err
}
