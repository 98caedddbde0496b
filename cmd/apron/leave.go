package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"apron/handover"
	"apron/proxy"
)

// What a new process asks the one that it takes over from, and the other way round. A change of their meaning is a change of
// handover.Protocol.
const (
	askData    = "data"    // by the new one when it is ready: end your control plane; the answer has the data directory's lock
	askServe   = "serve"   // by the new one when it has taken charge: from the answer on it accepts
	askServes  = "serves"  // by the new one when it does, and is found: accept no more
	askFail    = "fail"    // by the new one: the reason why it gives up
	askChange  = "change"  // by the new one: a change of the routing table
	askEnd     = "end"     // by the new one: end your connections now
	askConnect = "connect" // by the old one: a connection to an instance
	askDemand  = "demand"  // by the old one: a request waits for an instance
	askKnown   = "known"   // by the old one: what services are called, for the access log
	askLoads   = "loads"   // by the old one, unasked: what is in flight
)

// knock is a request of `apron upgrade` on its way to whoever serves.
type knock struct {
	handover.Request
	say  func(string)
	done chan error
}

var errBusy = errors.New("another upgrade is under way, or the server is about to end; look at its log, and ask again")

// knock hands the request to serve and waits for what comes of it.
func (h *host) knock(ctx context.Context, r handover.Request, say func(string)) error {
	k := knock{r, say, make(chan error, 1)}
	select {
	case h.knocks <- k:
		return <-k.done
	case <-time.After(askLimit):
		return errBusy
	}
}

// leaving is a handover from the old process's side.
type leaving struct {
	host     *host
	next     *handover.Successor
	ready    chan struct{} // closed when the new process asks for the data
	released chan struct{} // closed when it may have them
	charge   chan struct{} // closed when it has taken charge
	accepted chan struct{} // closed when it may accept
	serves   chan struct{} // closed when it does
	end      chan struct{} // closed when it wants this process to end

	mu     sync.Mutex
	reason string // why it gave up
}

// handOver starts another process and leaves everything to it. It returns nil and the reason when this one is in charge still, or
// again.
func (h *host) handOver(ctx context.Context, k knock) (*leaving, error) {
	program, err := h.program(k.Binary)
	if err != nil {
		return nil, err
	}
	k.say(fmt.Sprintf("process %d (apron %s) starts %s", os.Getpid(), version(), program.Path))
	l := &leaving{
		host: h, ready: make(chan struct{}), released: make(chan struct{}), charge: make(chan struct{}),
		accepted: make(chan struct{}), serves: make(chan struct{}), end: make(chan struct{}),
	}
	if err := l.begin(ctx, program, k.Limit); err != nil {
		h.log.Error("the new process could not be used; this one goes on", "binary", program.Path, "error", err)
		return nil, err
	}
	k.say(fmt.Sprintf("process %d (apron %s) is ready; it gets the data", l.next.PID(), l.next.Greeting.Version))
	crashAt("old ready")
	began := time.Now()
	if err := l.leave(ctx, k.Limit); err != nil {
		return nil, h.takeBack(ctx, k, err)
	}
	k.say(fmt.Sprintf("process %d is in charge; nobody was for %v, in which requests were served all the same", l.next.PID(), time.Since(began).Round(time.Millisecond)))
	k.say(fmt.Sprintf("process %d ends with the last of the connections that it has, after %v at the latest", os.Getpid(), h.cfg.HandoverLimit))
	return l, nil
}

// program is what to start, with the arguments that this process was started with.
func (h *host) program(path string) (handover.Program, error) {
	if os.Getpid() == 1 {
		return handover.Program{}, errors.New("the server is process 1, with which everything on its machine or in its container ends; restart that instead")
	}
	own, err := os.Executable()
	if err != nil && path == "" {
		return handover.Program{}, fmt.Errorf("the server's own program cannot be found: %w; name it with --binary", err)
	}
	path, err = exec.LookPath(cmp.Or(path, own))
	if err != nil {
		return handover.Program{}, fmt.Errorf("%w; name the program with --binary", err)
	}
	return handover.Program{Path: path, Args: os.Args[1:]}, nil
}

// readyLimit is how long a new process may take to say that it is ready: it opens nothing before.
const readyLimit = 30 * time.Second

// begin starts the new process and waits until it is ready. Nothing has changed here when it fails.
func (l *leaving) begin(ctx context.Context, program handover.Program, limit time.Duration) (err error) {
	ctx, cancel := withLimit(ctx, min(limit, readyLimit), "ready")
	defer cancel()
	if l.next, err = handover.Begin(ctx, program, l.host.greeting(), l.host.front.sockets()); err != nil {
		return err
	}
	if err = l.host.fits(l.next.Greeting); err == nil {
		l.next.Start(l.answers())
		err = l.await(ctx, l.ready)
	}
	if err != nil {
		l.next.Kill()
	}
	return err
}

func withLimit(ctx context.Context, limit time.Duration, what string) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, limit, fmt.Errorf("the new process was not %s within %v", what, limit))
}

// fits refuses a program that the data are too new for, before anything has ended.
func (h *host) fits(g handover.Greeting) error {
	if own := h.greeting(); g.Schema < own.Schema {
		return fmt.Errorf("apron %s is older than apron %s: it knows the data up to version %d, and they have version %d; there is no way back but a backup",
			g.Version, own.Version, g.Schema, own.Schema)
	}
	return nil
}

// await waits for the new process to get so far.
func (l *leaving) await(ctx context.Context, so <-chan struct{}) error {
	select {
	case <-so:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-l.next.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.reason != "" {
		return errors.New(l.reason)
	}
	return l.next.Gone()
}

// leave gives the data to the new process and waits until it serves. After an error the new process is gone, and nobody is in
// charge.
func (l *leaving) leave(ctx context.Context, limit time.Duration) error {
	h := l.host
	h.release()
	crashAt("old released")
	h.front.leader.Store(l.next.Conn) // connects to the instances that it starts
	close(l.released)
	ctx, cancel := withLimit(ctx, limit, "in charge")
	defer cancel()
	err := l.await(ctx, l.charge)
	if err == nil {
		crashAt("old decided")
		close(l.accepted)
		err = l.await(ctx, l.serves)
	}
	if err != nil {
		l.next.Kill()
		h.front.leader.Store(nil)
		return err
	}
	crashAt("old served")
	_ = h.platform.letGo() // from here on the other process's driver connects
	h.platform = nil
	h.shutDoors()
	h.front.drain()
	return nil
}

// release ends the control plane in order. Clients of services notice nothing; those of the API wait for the next one.
func (h *host) release() {
	h.front.api.hold(shutdownLimit)
	if err := errors.Join(h.platform.stop(), h.platform.closeAll()); err != nil {
		h.log.Error("the control plane did not end in order", "error", err)
	}
}

// takeTries is how often a control plane is begun again before the process gives up: what failed once may have been the other
// process's doing.
const takeTries = 3

// takeBack begins the control plane again in this process, because the new one failed with err.
func (h *host) takeBack(ctx context.Context, k knock, failed error) error {
	ended := h.platform
	h.platform = nil
	defer ended.letGo()
	if ctx.Err() != nil {
		return failed // somebody wants the server to end
	}
	h.log.Error("the new process failed; this one takes charge again", "error", failed)
	h.shutDoors() // the new process may have had one in its place
	crashAt("old takes back")
	for try := 1; ; try++ {
		err := h.takeCharge(ctx)
		if err == nil {
			err = h.open()
		}
		if err == nil {
			return failed
		}
		if try == takeTries || ctx.Err() != nil {
			return errors.Join(failed, fmt.Errorf("and process %d could not take charge again; start the server anew: %w", os.Getpid(), err))
		}
		time.Sleep(time.Second)
	}
}

// answers are what the new process may ask.
func (l *leaving) answers() handover.Answers {
	return handover.Answers{
		askData:  func(ctx context.Context, _ handover.Question) (handover.Answer, error) { return l.giveData(ctx) },
		askServe: func(ctx context.Context, _ handover.Question) (handover.Answer, error) { return l.giveWay(ctx) },
		askServes: func(context.Context, handover.Question) (handover.Answer, error) {
			return handover.Answer{}, once(&l.mu, l.serves)
		},
		askFail: func(_ context.Context, q handover.Question) (handover.Answer, error) {
			l.mu.Lock()
			defer l.mu.Unlock()
			return handover.Answer{}, q.Decode(&l.reason)
		},
		askChange: func(ctx context.Context, q handover.Question) (handover.Answer, error) {
			var c proxy.Change
			if err := q.Decode(&c); err != nil {
				return handover.Answer{}, err
			}
			return handover.Answer{}, l.host.front.proxy.Follow(ctx, c)
		},
		askEnd: func(context.Context, handover.Question) (handover.Answer, error) {
			return handover.Answer{}, once(&l.mu, l.end)
		},
	}
}

// giveData answers with the lock of the data directory, which is never free in between.
func (l *leaving) giveData(ctx context.Context) (handover.Answer, error) {
	if err := once(&l.mu, l.ready); err != nil {
		return handover.Answer{}, err
	}
	select {
	case <-l.released:
		return handover.Answer{Sockets: []syscall.Conn{l.host.data.lock}}, nil
	case <-ctx.Done():
		return handover.Answer{}, ctx.Err()
	}
}

func (l *leaving) giveWay(ctx context.Context) (handover.Answer, error) {
	if err := once(&l.mu, l.charge); err != nil {
		return handover.Answer{}, err
	}
	select {
	case <-l.accepted:
		return handover.Answer{}, nil
	case <-ctx.Done():
		return handover.Answer{}, ctx.Err()
	}
}

// once closes c.
func once(mu *sync.Mutex, c chan struct{}) error {
	mu.Lock()
	defer mu.Unlock()
	select {
	case <-c:
		return errors.New("this was asked before")
	default:
		close(c)
		return nil
	}
}

// crashAt is where the tests kill a process amid a handover.
func crashAt(place string) {
	if hook := boundary; hook != nil {
		hook("UPGRADE", place)
	}
}
