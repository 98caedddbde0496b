package drivertest

import (
	"cmp"
	"context"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"apron/driver"
	"apron/driver/drivertest/testapp"
)

// fakeInstance runs testapp in a goroutine. killed decides the exit before the application can.
type fakeInstance struct {
	spec  driver.Spec
	dir   string // what it has written, as far as the application does so by name
	net   *fakeNet
	ended chan struct{} // closed when no goroutine of it is left

	mu        sync.Mutex
	state     driver.State
	startedAt time.Time
	exit      driver.Exit
	killed    *driver.Exit
	term      chan struct{} // closed by the first terminate
	termed    bool
	cancel    context.CancelFunc // nil until launched
	eaten     int                // MiB
	written   int                // MiB
	cpu       int                // units that it may use
	looks     int                // so that each finds more CPU time than the one before
}

func newFakeInstance(spec driver.Spec, dir string) *fakeInstance {
	return &fakeInstance{
		spec:  spec,
		cpu:   cmp.Or(spec.StartCPU, spec.CPU),
		dir:   dir,
		net:   newFakeNet(),
		ended: make(chan struct{}),
		term:  make(chan struct{}),
	}
}

func (i *fakeInstance) launch(env []string) error {
	log, err := os.OpenFile(i.spec.LogPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	i.mu.Lock()
	if i.killed != nil { // destroyed while it was started
		i.mu.Unlock()
		cancel()
		log.Close()
		return driver.ErrNotFound
	}
	i.state, i.startedAt, i.cancel = driver.Running, time.Now(), cancel
	i.mu.Unlock()
	args := i.spec.Command
	if len(args) == 0 {
		args = []string{"/app"}
	}
	go i.run(ctx, log, testapp.Process{
		Args: args, Env: append(append([]string{}, i.spec.Env...), env...),
		Stdout: log, Stderr: log, Term: i.term,
		Listen: i.net.listen, Eat: i.eat, Write: i.write, Reach: i.reach, Copy: i.copy,
	})
	return nil
}

func (i *fakeInstance) run(ctx context.Context, log *os.File, p testapp.Process) {
	code := testapp.Run(ctx, p)
	log.Close()
	i.net.close()
	i.mu.Lock()
	i.cancel()
	i.state, i.exit = driver.Ended, driver.Exit{Code: code}
	if i.killed != nil {
		i.exit = *i.killed
	}
	i.exit.At = time.Now()
	i.mu.Unlock()
	close(i.ended)
}

// abandon ends an instance that was never launched.
func (i *fakeInstance) abandon() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.state = driver.Ended
	close(i.ended)
}

func (i *fakeInstance) terminate() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.termed {
		i.termed = true
		close(i.term)
	}
}

// kill is SIGKILL; the first reason counts. Callers wait for ended.
func (i *fakeInstance) kill(exit driver.Exit) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.killed == nil {
		i.killed = &exit
	}
	if i.cancel != nil {
		i.cancel()
	}
}

func (i *fakeInstance) inspect() driver.Instance {
	i.mu.Lock()
	defer i.mu.Unlock()
	found := driver.Instance{Spec: i.spec, State: i.state, StartedAt: i.startedAt, Exit: i.exit}
	if i.state == driver.Running {
		i.looks++
		found.Usage = driver.Usage{CPU: time.Duration(i.looks) * time.Millisecond, Memory: int64(i.eaten+1) << 20, CPULimit: i.cpu}
	}
	return found
}

func (i *fakeInstance) setCPU(units int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.cpu = units
}

func (i *fakeInstance) eat(mib int) {
	i.mu.Lock()
	i.eaten += mib
	over := i.eaten > i.spec.Memory
	i.mu.Unlock()
	if over {
		i.kill(driver.Exit{Code: 137, Signal: int(syscall.SIGKILL), OOM: true})
	}
}

func (i *fakeInstance) write(mib int) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.written+mib > i.spec.DiskMiB {
		return syscall.ENOSPC
	}
	i.written += mib
	return nil
}

// reach finds everybody at home, but for an instance without a way out.
func (i *fakeInstance) reach(addr string) error {
	if i.spec.NoEgress {
		return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ENETUNREACH)}
	}
	return nil
}

// fakeNet is one instance's loopback.
type fakeNet struct {
	mu        sync.Mutex
	listeners map[string]*fakeListener
}

func newFakeNet() *fakeNet {
	return &fakeNet{listeners: map[string]*fakeListener{}}
}

func (n *fakeNet) listen(port string) (net.Listener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.listeners[port] != nil {
		return nil, syscall.EADDRINUSE
	}
	l := &fakeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	n.listeners[port] = l
	return l, nil
}

func (n *fakeNet) dial(ctx context.Context, port string) (net.Conn, error) {
	n.mu.Lock()
	l := n.listeners[port]
	n.mu.Unlock()
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	if l == nil {
		return nil, refused
	}
	server, client := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-l.closed:
		return nil, refused
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// close refuses every connection from now on, when the application has ended.
func (n *fakeNet) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, l := range n.listeners {
		l.Close()
	}
}

type fakeListener struct {
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (l *fakeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *fakeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *fakeListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }
