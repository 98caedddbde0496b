package proxy

import (
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// requestBody is the client's body. It counts, holds the body to the service's limit, and remembers a failed read, which
// is the client's fault and not the instance's. It survives Close, so that an instance that can't be reached does not
// use up the body.
type requestBody struct {
	io.Reader
	x       *exchange
	trailer http.Header // those of the client's that were announced, then those that came
	begun   atomic.Bool
	n       atomic.Int64
	stall   *time.Timer
}

func (b *requestBody) Read(p []byte) (int, error) {
	b.begun.Store(true)
	b.watch()
	n, err := b.Reader.Read(p)
	if b.stall != nil {
		b.stall.Stop()
	}
	read := b.n.Add(int64(n))
	if limit := b.x.limits.BodyLimit; limit > 0 && read > limit {
		n, err = 0, errBodyLimit
	}
	switch {
	case err == io.EOF:
		dropTrailers(b.trailer) // net/http takes those that were not announced, too
	case err != nil:
		b.x.noteRequestErr(err)
	}
	return n, err
}

// watch ends the request when the client sends nothing for too long. Once the answer has begun, and for gRPC, the two
// are in a conversation, where a client may be silent.
func (b *requestBody) watch() {
	x := b.x
	switch {
	case x.grpc || x.status.Load() != 0:
	case b.stall == nil:
		b.stall = time.AfterFunc(x.proxy.bodyIdle, func() {
			if x.status.Load() == 0 {
				x.cut(errBodyStalled)
			}
		})
	default:
		b.stall.Reset(x.proxy.bodyIdle)
	}
}

func (b *requestBody) Close() error { return nil }

// responseBody is the instance's body. It remembers a failed read, to tell it from a client that stopped reading.
type responseBody struct {
	io.ReadCloser
	x   *exchange
	res *http.Response // whose body it is
}

func (b *responseBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		if b.x.endGRPC(b.res, err) {
			return n, io.EOF
		}
		b.x.mu.Lock()
		b.x.responseErr = err
		b.x.mu.Unlock()
	}
	return n, err
}
