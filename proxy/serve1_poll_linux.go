package proxy

import (
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// pollConn is a TCP connection that an event loop watches. While it is the loop's, the loop reads and writes it without
// ever waiting; while it is a goroutine's it is a net.Conn like others, for one reader and one writer at a time, which
// the loop wakes. Changing hands costs no system call, so that the loop can give away whatever is not simple.
type pollConn struct {
	fd            int
	loop          *loop
	slot          uint64 // its place in the loop's table, and which of the place's tenants it is
	local, remote net.Addr
	client        *client // whose connection it is: a client's or
	up            *upstream

	inLoop atomic.Bool

	mu     sync.RWMutex // read-locked by goroutines while they use fd, locked to close it: else its number could be another's by then
	closed bool
	in     side
	out    side
}

// side is the waiting of one direction.
type side struct {
	mu    sync.Mutex
	ready chan struct{} // holds one: a wake-up is never lost
	due   time.Time
	timer *time.Timer
}

// adopt takes the connection out of the Go runtime's hands. c is closed, whatever is returned.
func (l *loop) adopt(c *net.TCPConn) (*pollConn, error) {
	defer c.Close()
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	fd, errno := -1, syscall.Errno(0)
	err = raw.Control(func(old uintptr) {
		var n uintptr
		n, _, errno = syscall.RawSyscall(syscall.SYS_FCNTL, old, syscall.F_DUPFD_CLOEXEC, 0)
		fd = int(n)
	})
	if err == nil && errno != 0 {
		err = os.NewSyscallError("fcntl", errno)
	}
	if err != nil {
		return nil, err
	}
	return &pollConn{fd: fd, loop: l, local: c.LocalAddr(), remote: c.RemoteAddr()}, nil // non-blocking as the original is
}

func (c *pollConn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		if c.in.expired() {
			return 0, os.ErrDeadlineExceeded
		}
		n, errno := c.locked(func() (int, syscall.Errno) { return receive1(c.fd, p, 0) })
		switch {
		case errno == syscall.EAGAIN:
			c.in.wait()
		case errno == syscall.EINTR:
		case errno == syscall.EBADF:
			return 0, net.ErrClosed
		case errno != 0:
			return 0, &net.OpError{Op: "read", Net: "tcp", Source: c.local, Addr: c.remote, Err: errno}
		case n == 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

func (c *pollConn) Write(p []byte) (written int, err error) {
	for written < len(p) {
		if c.out.expired() {
			return written, os.ErrDeadlineExceeded
		}
		n, errno := c.locked(func() (int, syscall.Errno) { return send1(c.fd, p[written:]) })
		switch {
		case errno == syscall.EAGAIN:
			c.out.wait()
		case errno == syscall.EINTR:
		case errno == syscall.EBADF:
			return written, net.ErrClosed
		case errno != 0:
			return written, &net.OpError{Op: "write", Net: "tcp", Source: c.local, Addr: c.remote, Err: errno}
		default:
			written += n
		}
	}
	return written, nil
}

// locked does a system call on fd while it can't be closed. EBADF is for a closed connection.
func (c *pollConn) locked(do func() (int, syscall.Errno)) (int, syscall.Errno) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.closed {
		return 0, syscall.EBADF
	}
	return do()
}

// Close closes the connection. One that is the loop's is shut down, and the loop closes it when it notices.
func (c *pollConn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	if c.inLoop.Load() {
		return os.NewSyscallError("shutdown", syscall.Shutdown(c.fd, syscall.SHUT_RDWR))
	}
	c.closeLocked()
	c.in.wake()
	c.out.wake()
	return nil
}

// closeInLoop is Close for the loop itself.
func (c *pollConn) closeInLoop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.closeLocked()
	}
}

func (c *pollConn) closeLocked() {
	c.closed = true
	c.loop.forget(c)
	_ = syscall.Close(c.fd)
	c.in.stop()
	c.out.stop()
}

func (c *pollConn) CloseWrite() error {
	_, errno := c.locked(func() (int, syscall.Errno) {
		_, _, errno := syscall.RawSyscall(syscall.SYS_SHUTDOWN, uintptr(c.fd), syscall.SHUT_WR, 0)
		return 0, errno
	})
	if errno != 0 {
		return errno
	}
	return nil
}

func (c *pollConn) LocalAddr() net.Addr  { return c.local }
func (c *pollConn) RemoteAddr() net.Addr { return c.remote }

func (c *pollConn) SetDeadline(t time.Time) error {
	c.in.setDue(t)
	c.out.setDue(t)
	return nil
}

func (c *pollConn) SetReadDeadline(t time.Time) error  { c.in.setDue(t); return nil }
func (c *pollConn) SetWriteDeadline(t time.Time) error { c.out.setDue(t); return nil }

// alive looks whether nothing has come, not even the end.
func (c *pollConn) alive() bool {
	var b [1]byte
	_, errno := c.locked(func() (int, syscall.Errno) { return receive1(c.fd, b[:], syscall.MSG_PEEK) })
	return errno == syscall.EAGAIN
}

// toLoop gives the connection to the loop, unless it has been closed.
func (c *pollConn) toLoop() bool {
	_ = c.SetDeadline(time.Time{})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inLoop.Store(!c.closed)
	return !c.closed
}

// wake tells goroutines that something has changed.
func (c *pollConn) wake() {
	c.in.wake()
	c.out.wake()
}

// channel makes what is waited on when somebody waits for the first time: most connections never leave the loop.
func (s *side) channel() chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ready == nil {
		s.ready = make(chan struct{}, 1)
		s.ready <- struct{}{} // what happened before is to be looked at
	}
	return s.ready
}

func (s *side) wait() {
	<-s.channel()
}

func (s *side) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case s.ready <- struct{}{}:
	default: // it is awake already, or nobody waits here yet
	}
}

func (s *side) expired() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.due.IsZero() && !time.Now().Before(s.due)
}

func (s *side) setDue(t time.Time) {
	s.mu.Lock()
	if s.timer != nil {
		s.timer.Stop()
	}
	s.due = t
	if left := time.Until(t); !t.IsZero() && left > 0 {
		if s.timer == nil {
			s.timer = time.AfterFunc(left, s.wake)
		} else {
			s.timer.Reset(left)
		}
	}
	s.mu.Unlock()
	s.wake()
}

func (s *side) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timer != nil {
		s.timer.Stop()
	}
}

// The system calls below never block, so they need not tell the Go scheduler that they might.

// longPiece is how much of an answer takes so long to copy that the next piece may have come meanwhile.
const longPiece = 32 << 10

// receive reads what has come of an answer. The end of a long one comes a moment after the first piece, and the two go to the client
// together.
func (l *loop) receive(up *upstream) (int, syscall.Errno) {
	n, errno := receive1(up.poll.fd, l.buf, 0)
	if errno != 0 || n < longPiece || n == len(l.buf) {
		return n, errno
	}
	more, errno := receive1(up.poll.fd, l.buf[n:], 0)
	if errno != 0 {
		return n, 0
	}
	up.ended = up.ended || more == 0
	return n + more, 0
}

func receive1(fd int, p []byte, flags int) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall6(syscall.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))),
		uintptr(len(p)), uintptr(flags|syscall.MSG_DONTWAIT), 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

func send1(fd int, p []byte) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall6(syscall.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))),
		uintptr(len(p)), syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

// send2 sends both pieces at once.
func send2(fd int, a, b []byte) (int, syscall.Errno) {
	var iov [2]syscall.Iovec
	iov[0].Base, iov[1].Base = unsafe.SliceData(a), unsafe.SliceData(b)
	iov[0].SetLen(len(a))
	iov[1].SetLen(len(b))
	msg := syscall.Msghdr{Iov: &iov[0], Iovlen: 2}
	n, _, errno := syscall.RawSyscall(syscall.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&msg)),
		syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}
