package proxy

import (
	"context"
	"sync"
	"time"
	"unsafe"

	"apron/proxy/http1"
)

// usualHead is the size of the buffers that heads are read into and written from; they grow for larger ones.
const usualHead = 4 << 10

// clientPatience is how long an answer may take before it is worth a goroutine to see whether its client has gone.
const clientPatience = 100 * time.Millisecond

// exchange1 is one HTTP/1.x request on its way, as exchange is for net/http's. It is used again for other requests, of
// other clients too.
type exchange1 struct {
	flight
	client *client
	in     []byte // read from the client: the head, then what followed it
	taken  int    // of in: the head and what of the body was taken up with it
	out    []byte // to be written next
	unsent []byte // of out, to the instance
	reply  []byte // read from the instance; what lies before at was used
	at     int
	ahead  []byte // read from the client after the request, by the reader
	req    http1.Request
	res    http1.Response
	upload http1.Body // of the request
	answer http1.Body

	up        *upstream
	id        [128]byte // the request id
	idLen     int
	deadline  time.Time
	keep      bool // the client's connection can serve another request
	whole     bool // the answer was written whole
	status    int  // final status sent to the client, 0 before
	firstByte time.Duration
	repeated  bool
	fresh     bool // the connection that failed had been made for this request
	unheard   bool // 100 (Continue) is still to be sent to the client
	reason    string
	record    Record
	traceIn   string
	traceOut  string

	stall  stall         // guarded by mu
	reader chan struct{} // closed when the reader has ended; nil when there is none
	mu     sync.Mutex    // guards what follows; cut and the reader have other goroutines
	state  state
}

// state is what other goroutines may do to an exchange.
type state struct {
	cause      error // why it was cut
	requestErr error // why the client's body could not be read on
	gone       bool  // the client has gone
	refused    bool  // the instance takes no more of the body
	sent       bool  // the instance has the head: what comes of the body can go there
	switched   bool  // to another protocol
	answered   bool  // an answer's head was written
	stopping   bool  // the reader is told to end
	bodyRead   bool  // the request's body is whole
	inLoop     bool  // an event loop serves it
	cancel     context.CancelCauseFunc
}

// ended reports that nothing more should come of the exchange.
func (s state) ended() bool { return s.cause != nil || s.gone || s.requestErr != nil }

func (x *exchange1) peek() state {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.state
}

// reset forgets the request but keeps the buffers, and what was read beyond it.
func (x *exchange1) reset() {
	x.taken, x.out, x.unsent, x.idLen, x.up = 0, x.out[:0], nil, 0, nil
	x.keep, x.whole, x.status, x.firstByte, x.repeated, x.fresh, x.unheard = false, false, 0, 0, false, false, false
	x.reason, x.traceIn, x.traceOut, x.reader = "", "", "", nil
	x.ahead = x.ahead[:0]
	if x.reply != nil && cap(x.reply) == len(buffer{}) {
		buffers.Put(x.reply)
	}
	x.reply, x.at = nil, 0
	x.stall = stall{}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.state = state{}
}

// next makes x ready for the request after this one, whose beginning may have been read already.
func (x *exchange1) next() {
	x.in = append(x.in[:copy(x.in, x.in[x.taken:])], x.ahead...)
	x.reset()
}

// readHead reads until in holds a whole head. It reports false when none comes; who sent too much was told.
func (x *exchange1) readHead() bool {
	c, seen := x.client, 0
	c.setIdle(false)
	for first := true; ; first = false {
		if http1.End(x.in, seen) > 0 {
			return true
		}
		if err := x.tooLarge(); err != nil {
			x.refuse(err)
			return false
		}
		if first {
			c.watch.expect(time.Now().Add(c.proxy.headerTimeout), endReading, nil)
		}
		seen = len(x.in)
		n, err := c.conn.Read(x.room())
		x.in = x.in[:len(x.in)+n]
		if n == 0 && err != nil {
			return false
		}
	}
}

// room is where the next bytes of the client go.
func (x *exchange1) room() []byte {
	if len(x.in) == cap(x.in) {
		x.in = append(make([]byte, 0, 4*cap(x.in)), x.in...)
	}
	return x.in[len(x.in):cap(x.in)]
}

// tooLarge says what is wrong with the beginning of a head that is all that it may be and not whole.
func (x *exchange1) tooLarge() error {
	if len(x.in) < x.client.proxy.headerBytes {
		return nil
	}
	return headSize(x.in)
}

// handle answers the request that in begins with, and reports whether the connection can serve another one.
func (x *exchange1) handle() bool {
	svc, ok := x.route()
	if !ok {
		return x.keep
	}
	if svc.h2c.Load() && x.client.via.Fallback != nil {
		x.client.fallBack(x.in)
		return false
	}
	if !x.client.proxy.begin(&x.flight, svc, x) {
		x.answerUnknownHost()
		return x.keep
	}
	x.depart()
	x.client.watch.expect(x.began.Add(min(clientPatience, x.limits.RequestTimeout)), watchClient, x)
	x.fly()
	x.finish()
	return x.keep
}

// route reads the head and finds the service. Without one the client was told why not.
func (x *exchange1) route() (*service, bool) {
	if err := x.req.Parse(x.in); err != nil {
		x.refuse(err)
		return nil, false
	}
	x.taken = x.req.Size
	x.upload = x.req.Body()
	n, done, err := x.upload.Scan(x.in[x.taken:])
	if err != nil {
		x.refuse(err)
		return nil, false
	}
	x.taken += n
	x.state.bodyRead = done
	x.keep = x.req.KeepAlive && done
	if x.req.Is(x.in, "CONNECT") {
		x.keep = false
		x.answerText(405, "CONNECT is not served here; send the request itself", 0)
		return nil, false
	}
	svc := x.client.proxy.lookupBytes(x.req.Host.Of(x.in))
	if svc == nil {
		x.answerUnknownHost()
		return nil, false
	}
	return svc, true
}

// depart settles what the instance will be told, once the request is counted in.
func (x *exchange1) depart() {
	x.deadline = x.began.Add(x.limits.RequestTimeout)
	x.unheard = x.req.Continue
	x.makeID()
	if x.client.proxy.trace != nil {
		x.trace()
	}
}

// hopeless reports that a drain need not wait for x: it may never end.
func (x *exchange1) hopeless() bool { return x.peek().switched }

// cut ends the exchange from outside, with a cause that the client is told if nothing was answered yet.
func (x *exchange1) cut(cause error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.state.ended() {
		return
	}
	x.state.cause = cause
	x.abortLocked()
	conn := x.client.conn
	_ = conn.SetReadDeadline(longAgo)
	switch {
	case x.state.switched, x.state.answered:
		_ = conn.SetWriteDeadline(longAgo)
	default:
		_ = conn.SetWriteDeadline(time.Now().Add(time.Second)) // for the text that says why
	}
	if x.state.inLoop {
		x.client.loop.tellCut(x)
	}
}

// abortLocked ends what waits for an instance, or for what it sends.
func (x *exchange1) abortLocked() {
	if x.state.cancel != nil {
		x.state.cancel(context.Canceled)
	}
	if x.up != nil {
		_ = x.up.conn.SetDeadline(longAgo)
	}
}

// attach makes up what an abort ends. It reports false when there was one already.
func (x *exchange1) attach(up *upstream) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.up = up
	if up != nil && x.state.ended() {
		x.abortLocked()
		return false
	}
	return true
}

// finish lets go of everything and counts the request.
func (x *exchange1) finish() {
	x.client.watch.expect(time.Time{}, nothing, nil)
	x.stopReader()
	x.forgetStalls()
	s := x.peek()
	if !s.bodyRead || s.ended() || !x.whole || s.switched {
		x.keep = false
	}
	if !s.bodyRead && x.whole && !s.switched {
		x.linger()
	}
	x.land(s.switched)
}

// land ends the flight. The record's strings lie in x's buffers.
func (x *exchange1) land(switched bool) {
	r := &x.record
	*r = Record{Status: x.status, Received: x.upload.Payload, Sent: x.answer.Payload, FirstByte: x.firstByte,
		TraceIn: x.traceIn, TraceOut: x.traceOut, TLS: x.client.via.TLS != nil, Upgraded: switched, Reason: x.reason}
	if x.client.proxy.ended != nil {
		x.describe(r)
	}
	x.end(r)
}

func (x *exchange1) describe(r *Record) {
	text := func(s http1.Span) string { return view(s.Of(x.in)) }
	find := func(k http1.Kind) string {
		s, _ := x.req.Find(k)
		return text(s)
	}
	r.Method, r.Host, r.Target = text(x.req.Method), text(x.req.Host), text(x.req.Target)
	r.Agent, r.Referer, r.Client = find(http1.UserAgent), find(http1.Referer), x.client.addr
	r.RequestID = view(x.id[:x.idLen])
	r.Proto = "HTTP/1.0"
	if x.req.Minor == 1 {
		r.Proto = "HTTP/1.1"
	}
}

// view is b as a string, for as long as b is not changed.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
