package proxy

import (
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// What a connection costs in this program's memory while it waits for its next request; the kernel's share is the same
// for all. The clients are bare sockets, which cost nothing here.
func BenchmarkIdleConnection(b *testing.B) {
	for _, via := range ways {
		b.Run(via.name, func(b *testing.B) {
			e := newEdge(b, via)
			quietInstance(e, smallAnswer)
			e.open("i1")
			const conns = 400
			before := inUse()
			for range conns {
				e.bareClient()
			}
			b.ReportMetric(float64(inUse()-before)/conns, "B/connection")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func inUse() uint64 {
	var m runtime.MemStats
	for range 3 { // pools give up what two collections found unused
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}

// bareClient makes one request and goes on holding the connection.
func (e *edge) bareClient() {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		e.tb.Fatal(err)
	}
	e.tb.Cleanup(func() { syscall.Close(fd) })
	var port int
	for _, c := range e.URL[strings.LastIndexByte(e.URL, ':')+1:] {
		port = port*10 + int(c-'0')
	}
	to := &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}
	if err := syscall.Connect(fd, to); err != nil {
		e.tb.Fatal(err)
	}
	answer := make([]byte, 4096)
	if _, err := syscall.Write(fd, []byte(smallGET)); err != nil {
		e.tb.Fatal(err)
	}
	if n, err := syscall.Read(fd, answer); err != nil || n == 0 {
		e.tb.Fatal(n, err)
	}
}
