package proxy

import (
	"net"
	"runtime"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

const (
	loopBatch = 128       // events taken at once
	loopBuf   = 128 << 10 // what is read of an answer at once

	pollGone = syscall.EPOLLRDHUP | syscall.EPOLLHUP | syscall.EPOLLERR
	pollAll  = syscall.EPOLLIN | syscall.EPOLLOUT | syscall.EPOLLRDHUP | pollEdge
	pollEdge = 1 << 31 // EPOLLET, which package syscall has as a negative number
)

// loop serves the simple requests of many connections on one goroutine: it waits in epoll for all of them at once and
// does what each is ready for, so that no request costs a switch of goroutines, let alone of threads. Whatever is not
// simple, or would make it wait, it gives to a goroutine that runs the code of connections without a loop.
type loop struct {
	buf   []byte // for what instances send; shared by all connections, so used up before the next event is looked at
	batch [loopBatch]syscall.EpollEvent
	ready [loopBatch]*pollConn
	now   time.Time
	spare []*exchange1 // used last first, so that what a few connections use stays in the processor's caches

	// Clients by what they wait for, each list in the order of its deadlines; the last is looked through once a second.
	idle, reading, flying clients
	looked                time.Time

	mu      sync.Mutex
	running bool
	epoll   int
	event   int // an eventfd: wakes the loop
	table   []tenant
	free    []uint32
	open    int
	told    bool // event is set
	come    []arrival
	cuts    []*exchange1
}

// tenant is a place in the table of connections. An event of a connection that has been closed carries an older number
// than the place has by then.
type tenant struct {
	conn   *pollConn
	number uint32
}

// arrival is a client that a goroutine hands over.
type arrival struct {
	client *client
	read   []byte
}

// loops are as many as leave one of the scheduler's processors to goroutines: a loop that waits in epoll holds its own for
// a while, and with none left the others would stand still for up to ten milliseconds.
type loops struct {
	mu   sync.Mutex
	all  []*loop
	turn int
}

func (s *loops) next() *loop {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = make([]*loop, runtime.GOMAXPROCS(0)-1)
		for i := range s.all {
			s.all[i] = &loop{}
		}
	}
	if len(s.all) == 0 {
		return nil
	}
	s.turn++
	return s.all[s.turn%len(s.all)]
}

// enter begins to watch the connection, which is a goroutine's until it is given to the loop.
func (l *loop) enter(c *pollConn) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.startLocked(); err != nil {
		return err
	}
	if len(l.free) == 0 {
		l.table = append(l.table, tenant{})
		l.free = append(l.free, uint32(len(l.table)-1))
	}
	at := l.free[len(l.free)-1]
	c.slot = uint64(l.table[at].number)<<32 | uint64(at)
	ev := syscall.EpollEvent{Events: pollAll, Fd: int32(at), Pad: int32(l.table[at].number)}
	if err := syscall.EpollCtl(l.epoll, syscall.EPOLL_CTL_ADD, c.fd, &ev); err != nil {
		return err
	}
	l.free = l.free[:len(l.free)-1]
	l.table[at].conn = c
	l.open++
	return nil
}

// forget gives the place of a connection that is being closed to another.
func (l *loop) forget(c *pollConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := uint32(c.slot)
	if int(at) >= len(l.table) || l.table[at].conn != c {
		return // it never entered
	}
	l.table[at] = tenant{number: l.table[at].number + 1}
	l.free = append(l.free, at)
	if l.open--; l.open == 0 {
		l.wakeLocked()
	}
}

// startLocked starts the loop, which ends when it has no connection left.
func (l *loop) startLocked() (err error) {
	if l.running {
		return nil
	}
	if l.epoll, err = syscall.EpollCreate1(syscall.EPOLL_CLOEXEC); err != nil {
		return err
	}
	fd, _, errno := syscall.RawSyscall(syscall.SYS_EVENTFD2, 0, syscall.O_CLOEXEC|syscall.O_NONBLOCK, 0)
	if errno != 0 {
		_ = syscall.Close(l.epoll)
		return errno
	}
	l.event = int(fd)
	ev := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: -1}
	if err = syscall.EpollCtl(l.epoll, syscall.EPOLL_CTL_ADD, l.event, &ev); err != nil {
		_ = syscall.Close(l.epoll)
		_ = syscall.Close(l.event)
		return err
	}
	if l.buf == nil {
		l.buf = make([]byte, loopBuf)
	}
	l.running, l.told = true, false
	go l.run(l.epoll, l.event)
	return nil
}

func (l *loop) run(epoll, event int) {
	for {
		n := wait1(epoll, l.batch[:], l.patience())
		l.now = time.Now()
		come, cuts, ended := l.gather(n)
		if ended {
			_ = syscall.Close(epoll)
			_ = syscall.Close(event)
			return
		}
		for i := range n {
			if c := l.ready[i]; c != nil {
				l.ready[i] = nil
				l.handle(c, l.batch[i].Events)
			}
		}
		for _, a := range come {
			l.welcome(a)
		}
		for _, x := range cuts {
			l.dropCut(x)
		}
		l.expire()
	}
}

// gather finds the connections of the events, and takes what goroutines have left. The loop ends when nothing is open.
func (l *loop) gather(n int) (come []arrival, cuts []*exchange1, ended bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range n {
		ev := &l.batch[i]
		if ev.Fd < 0 {
			l.told = false
			var b [8]byte
			_, _, _ = syscall.RawSyscall(syscall.SYS_READ, uintptr(l.event), uintptr(unsafe.Pointer(&b[0])), 8)
		} else if t := l.table[ev.Fd]; t.number == uint32(ev.Pad) {
			l.ready[i] = t.conn
		}
	}
	come, cuts = l.come, l.cuts
	l.come, l.cuts = nil, nil
	if l.open == 0 && len(come) == 0 {
		l.running, l.table, l.free = false, nil, nil
		return nil, nil, true
	}
	return come, cuts, false
}

func (l *loop) handle(c *pollConn, events uint32) {
	switch {
	case !c.inLoop.Load():
		c.wake()
	case c.client != nil:
		l.clientReady(c.client, events)
	default:
		l.upstreamReady(c.up, events)
	}
}

// give hands a client over to the loop. read was read from it and not used.
func (l *loop) give(c *client, read []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.come = append(l.come, arrival{c, read})
	if err := l.startLocked(); err != nil { // it had ended because the connection has been closed
		l.come = nil
		go c.close()
		return
	}
	l.wakeLocked()
}

// tellCut makes the loop look at an exchange that was cut.
func (l *loop) tellCut(x *exchange1) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cuts = append(l.cuts, x)
	l.wakeLocked()
}

func (l *loop) wakeLocked() {
	if l.told || !l.running {
		return
	}
	l.told = true
	one := uint64(1)
	_, _, _ = syscall.RawSyscall(syscall.SYS_WRITE, uintptr(l.event), uintptr(unsafe.Pointer(&one)), 8)
}

// patience is how long there is nothing to do if nothing happens, in milliseconds.
func (l *loop) patience() int {
	if l.flying.first != nil {
		return 1000
	}
	due := time.Time{}
	for _, list := range []*clients{&l.idle, &l.reading} {
		if c := list.first; c != nil && (due.IsZero() || c.due.Before(due)) {
			due = c.due
		}
	}
	if due.IsZero() {
		return -1
	}
	return int(max(time.Until(due), 0)/time.Millisecond) + 1
}

// expire ends what has taken too long.
func (l *loop) expire() {
	for _, list := range []*clients{&l.idle, &l.reading} {
		for c := list.first; c != nil && !l.now.Before(c.due); c = list.first {
			l.end(c)
		}
	}
	if l.now.Sub(l.looked) < time.Second {
		return
	}
	l.looked = l.now
	for c := l.flying.first; c != nil; c = c.next {
		if !l.now.Before(c.x.deadline) {
			c.x.cut(errTimeout)
		}
	}
}

// wait1 waits for events, for ms milliseconds at most. Unlike the other calls it may block, and says so.
func wait1(epoll int, events []syscall.EpollEvent, ms int) int {
	n, _, errno := syscall.Syscall6(syscall.SYS_EPOLL_PWAIT, uintptr(epoll), uintptr(unsafe.Pointer(&events[0])),
		uintptr(len(events)), uintptr(ms), 0, 0)
	if errno != 0 {
		return 0 // EINTR
	}
	return int(n)
}

// clients is a list of clients by what they wait for.
type clients struct{ first, last *client }

// polled is what a loop knows of a client.
type polled struct {
	loop       *loop
	poll       *pollConn
	x          *exchange1 // nil while it is idle
	list       *clients
	prev, next *client
	due        time.Time // in idle and reading
	seen       int       // of x.in
	more       bool      // there may be more to read than was read
	eof        bool      // nothing follows
	unsure     bool      // an event, perhaps of the end, may have gone by before the loop had the connection
}

// move puts the client at the end of a list; nil is for none.
func (c *client) move(to *clients) {
	if from := c.list; from != nil {
		if c.prev != nil {
			c.prev.next = c.next
		} else {
			from.first = c.next
		}
		if c.next != nil {
			c.next.prev = c.prev
		} else {
			from.last = c.prev
		}
	}
	c.list, c.prev, c.next = to, nil, nil
	if to == nil {
		return
	}
	if c.prev = to.last; c.prev != nil {
		c.prev.next = c
	} else {
		to.first = c
	}
	to.last = c
}

// tcpOf is the TCP connection below c, nil when there is none that may be taken.
func tcpOf(c net.Conn) *net.TCPConn {
	switch t := c.(type) {
	case *net.TCPConn:
		return t
	case interface{ NetConn() net.Conn }:
		return tcpOf(t.NetConn())
	}
	return nil
}
