package edge

import (
	"crypto/tls"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/net/http2"
)

// caller is a client of one HTTP/2 connection, as RFC 9113 has it: it opens no stream once it has read GOAWAY, and wants an answer to each
// that it has opened before. Go's own client cannot tell: it may lose a body by itself when GOAWAY comes.
type caller struct {
	f     *http2.Framer
	under chan struct{} // has one for each request under way
	going chan struct{} // closed when GOAWAY has been read

	mu   sync.Mutex // orders writes
	sent int64
	done bool // nothing more is sent
}

// mostSent keeps a connection's answers within the window that a client has at first.
const mostSent = 1500

// stream sends requests on one connection until the server goes or stop is set, a hundred at a time. It adds each answer to answers.
func (d *door) stream(t *testing.T, answers *atomic.Int64, stop *atomic.Bool) error {
	config := d.roots()
	config.NextProtos = []string{"h2"}
	c, err := tls.Dial("tcp", d.addr, config)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.Write([]byte(preface)); err != nil {
		return err
	}
	call := &caller{f: http2.NewFramer(c, c), under: make(chan struct{}, 100), going: make(chan struct{})}
	if err := call.f.WriteSettings(); err != nil {
		return err
	}
	go call.send(t, stop)
	return call.receive(answers)
}

func (c *caller) send(t *testing.T, stop *atomic.Bool) {
	for n := range uint32(mostSent) {
		select {
		case <-c.going:
		case c.under <- struct{}{}:
		}
		if c.gone() || stop.Load() || t.Context().Err() != nil {
			break
		}
		c.mu.Lock()
		_ = c.f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1 + 2*n, BlockFragment: getBlock(), EndStream: true, EndHeaders: true}) // receive finds out
		c.sent++
		c.mu.Unlock()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done = true
	_ = c.f.WritePing(false, [8]byte{}) // its answer makes receive look once more
}

func (c *caller) gone() bool {
	select {
	case <-c.going:
		return true
	default:
		return false
	}
}

func (c *caller) receive(answers *atomic.Int64) error {
	for got := int64(0); ; {
		frame, err := c.f.ReadFrame()
		if err != nil {
			c.mu.Lock()
			defer c.mu.Unlock()
			return fmt.Errorf("%d of %d requests are answered: %w", got, c.sent, err)
		}
		switch f := frame.(type) {
		case *http2.GoAwayFrame:
			if !c.gone() {
				close(c.going)
			}
		case *http2.RSTStreamFrame:
			return fmt.Errorf("stream %d is reset: %v", f.StreamID, f.ErrCode)
		}
		if frame.Header().StreamID != 0 && frame.Header().Flags.Has(http2.FlagDataEndStream) {
			got++
			answers.Add(1)
			<-c.under
		}
		c.mu.Lock()
		whole := c.done && got == c.sent
		c.mu.Unlock()
		if whole {
			return nil
		}
	}
}
