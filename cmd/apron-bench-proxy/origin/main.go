//go:build linux

// Command origin is the cheapest upstream there is: it answers each GET with bytes that were laid out beforehand, from
// two threads that wait on epoll. What a proxy is compared by must not be lost in what the server behind it costs.
package main

import (
	"bytes"
	"cmp"
	"fmt"
	"log"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

var (
	small = answer("Hello, world!")
	big   = answer(strings.Repeat("0123456789abcde\n", 64<<10/16)) // for paths that begin with /64k
)

func answer(body string) []byte {
	return fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// conn is a connection of which a loop waits for a request, or for room to write what is left of an answer.
type conn struct {
	fd     int
	head   [8 << 10]byte // longer ones are not what is measured here
	filled int
	left   []byte
}

// conns are those that are open, by descriptor.
var conns [1 << 16]atomic.Pointer[conn]

func main() {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM, os.Interrupt)
	go func() {
		if err := serve(); err != nil {
			log.Fatal(err)
		}
	}()
	<-ended
}

// serve accepts and deals the connections out in turns, so that both loops have as many.
func serve() error {
	port, err := strconv.Atoi(cmp.Or(os.Getenv("PORT"), "8080"))
	if err != nil {
		return fmt.Errorf("PORT: %w", err)
	}
	listener, err := listen(port)
	if err != nil {
		return fmt.Errorf("listen on port %d: %w", port, err)
	}
	var loops [2]int
	for i := range loops {
		if loops[i], err = syscall.EpollCreate1(0); err != nil {
			return fmt.Errorf("epoll: %w", err)
		}
		go loop(loops[i])
	}
	for n := 0; ; n++ {
		fd, _, err := syscall.Accept4(listener, syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC)
		if err != nil {
			continue // the client has gone
		}
		if fd >= len(conns) {
			return fmt.Errorf("more than %d connections", len(conns))
		}
		_ = syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1) // only faster
		conns[fd].Store(&conn{fd: fd})
		event := syscall.EpollEvent{Events: syscall.EPOLLIN | syscall.EPOLLOUT | syscall.EPOLLRDHUP | epollET, Fd: int32(fd)}
		if err := syscall.EpollCtl(loops[n%2], syscall.EPOLL_CTL_ADD, fd, &event); err != nil {
			return fmt.Errorf("epoll: %w", err)
		}
	}
}

// epollET is syscall.EPOLLET, which is negative there.
const epollET = 1 << 31

func listen(port int) (fd int, err error) {
	if fd, err = syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0); err != nil {
		return 0, err
	}
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return 0, err
	}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Port: port}); err != nil {
		return 0, err
	}
	return fd, syscall.Listen(fd, 4096)
}

func loop(epoll int) {
	runtime.LockOSThread()
	events := make([]syscall.EpollEvent, 256)
	for {
		n, err := syscall.EpollWait(epoll, events, -1)
		if err != nil && err != syscall.EINTR {
			log.Fatalf("epoll: %v", err)
		}
		for _, event := range events[:max(n, 0)] {
			c := conns[event.Fd].Load()
			if c != nil && !c.advance() {
				conns[event.Fd].Store(nil)
				syscall.Close(c.fd)
			}
		}
	}
}

// advance writes and reads until the socket has nothing more or takes nothing more, and tells whether the connection
// goes on.
func (c *conn) advance() bool {
	for {
		if len(c.left) > 0 {
			n, err := syscall.Write(c.fd, c.left)
			if err != nil {
				return err == syscall.EAGAIN
			}
			c.left = c.left[n:]
			continue
		}
		n, err := syscall.Read(c.fd, c.head[c.filled:])
		if err != nil {
			return err == syscall.EAGAIN
		}
		if n <= 0 { // the end, or a head that is too long
			return false
		}
		c.filled += n
		c.left = c.take()
		if len(c.left) > 0 || c.filled < len(c.head) {
			continue
		}
		return false
	}
}

// take is the answer to the request that has been read, nil while it is not whole. The client waits for each answer
// before it asks again.
func (c *conn) take() []byte {
	head := c.head[:c.filled]
	if !bytes.HasSuffix(head, []byte("\r\n\r\n")) {
		return nil
	}
	c.filled = 0
	if bytes.HasPrefix(head, []byte("GET /64k")) {
		return big
	}
	return small
}
