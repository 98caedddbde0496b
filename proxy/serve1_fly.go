package proxy

import (
	"cmp"
	"context"
	"errors"
	"net"
	"time"

	"apron/proxy/http1"
)

// Failures of an instance that package proxy itself finds; instanceReason knows them by their texts.
var (
	errAnswer       = errors.New("malformed answer")
	errAnswerSize   = errors.New("malformed answer: its headers are too large")
	errSwitch       = errors.New("answer switches to a protocol that was not asked for: switching protocols")
	errAborted      = errors.New("the request was ended")
	answerHeadBytes = 1 << 20 // of an instance, whose service's owner answers for what it costs
)

// fly takes the request to an instance and its answer to the client.
func (x *exchange1) fly() {
	if limit := x.limits.BodyLimit; limit > 0 && max(x.req.Length, x.upload.Payload) > limit {
		x.fail(errBodyLimit)
		return
	}
	var failure error
	for {
		in, err := x.findInstance()
		if err != nil {
			x.fail(cmp.Or(failure, err))
			return
		}
		if err = x.ask(in); err == nil {
			in.succeeded()
			x.deliver()
			return
		}
		if x.peek().ended() {
			x.fail(err)
			return
		}
		if _, unreached := errors.AsType[*dialError](err); unreached || x.fresh && x.firstByte == 0 {
			in.failed(err)
		}
		if !x.mayRepeat(err) {
			x.fail(err)
			return
		}
		failure = err
		x.leaveInstance()
	}
}

// findInstance claims a place at an instance, and waits for one if it must.
func (x *exchange1) findInstance() (*instance, error) {
	if x.instance != nil {
		return x.instance, nil // claimed by a loop
	}
	if in := x.tryInstance(); in != nil {
		return in, nil
	}
	ctx, cancel := x.cancellable()
	defer cancel(nil)
	return x.awaitInstance(ctx)
}

// cancellable returns a context that ends with the exchange.
func (x *exchange1) cancellable() (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(context.Background())
	x.mu.Lock()
	defer x.mu.Unlock()
	x.state.cancel = cancel
	if x.state.ended() {
		cancel(context.Canceled)
	}
	return ctx, cancel
}

// mayRepeat reports whether another instance may get the request after one failed with err: what could not be connected
// to has got nothing, and what is idempotent and has no body may be sent once more.
func (x *exchange1) mayRepeat(err error) bool {
	if _, unreached := errors.AsType[*dialError](err); unreached {
		return true
	}
	if x.repeated || x.firstByte != 0 || !x.repeatable() {
		return false
	}
	x.repeated = true
	return true
}

func (x *exchange1) repeatable() bool { return !x.req.HasBody() && x.req.Idempotent(x.in) }

// ask sends the request to the instance and reads its answer's head. A kept-alive connection that the instance has
// closed meanwhile is no failure of its: the next is tried, unless the request may have been acted on.
func (x *exchange1) ask(in *instance) error {
	for {
		up, err := x.up, error(nil)
		if up == nil { // else a loop has begun it
			if up, err = x.connect(in); err != nil {
				return err
			}
			x.composeRequest()
			x.unsent = x.out
		}
		if !x.attach(up) {
			err = errAborted
		} else if err = x.converse(up); err == nil {
			return nil
		}
		x.attach(nil)
		x.fresh = !up.reused
		up.close()
		if !up.reused || !x.repeatable() || x.firstByte != 0 || x.peek().ended() {
			return err
		}
	}
}

// connect takes an idle connection to the instance or makes one. Each is looked at, whatever the request: nobody watches those that
// are not a loop's, and what an instance has sent there unasked would be taken for the answer.
func (x *exchange1) connect(in *instance) (*upstream, error) {
	for up := in.idle.takeOut(x.client.loop); up != nil; up = in.idle.takeOut(x.client.loop) {
		if up.alive() {
			return up, nil
		}
		up.close()
	}
	ctx, cancel := x.cancellable()
	defer cancel(nil)
	ctx, end := context.WithTimeout(ctx, dialTimeout)
	defer end()
	conn, err := x.client.proxy.dial(ctx, in.id)
	if err != nil {
		return nil, &dialError{err}
	}
	return newUpstream(conn, in, x.client.loop), nil
}

// converse sends the request and reads until the head of its answer is whole.
func (x *exchange1) converse(up *upstream) error {
	if _, err := up.conn.Write(x.unsent); err != nil {
		return err
	}
	x.noteSent()
	return x.readAnswer(up)
}

// noteSent lets the reader take what is still to come of the body to the instance.
func (x *exchange1) noteSent() {
	x.mu.Lock()
	x.state.sent = true
	whole := x.state.bodyRead
	x.mu.Unlock()
	if !whole {
		x.startReader()
	}
}

// readAnswer reads until the head of the final answer is whole, and passes on those before it.
func (x *exchange1) readAnswer(up *upstream) error {
	for {
		if err := x.readAnswerHead(up); err != nil {
			return err
		}
		if err := x.res.Parse(x.reply[x.at:]); err != nil {
			return errAnswer
		}
		if !x.res.Interim() {
			return x.checkSwitch()
		}
		x.passInterim()
		x.at += x.res.Size
	}
}

func (x *exchange1) checkSwitch() error {
	if x.res.Status != 101 {
		return nil
	}
	asked, given := x.req.Upgrade.Of(x.in), x.res.Upgrade.Of(x.reply[x.at:])
	if !x.wantsUpgrade() || !sameFold(asked, given) {
		return errSwitch
	}
	return nil
}

func (x *exchange1) readAnswerHead(up *upstream) error {
	for seen := 0; http1.End(x.reply[x.at:], seen) == 0; {
		if len(x.reply)-x.at > answerHeadBytes {
			return errAnswerSize
		}
		seen = len(x.reply) - x.at
		if err := x.readReply(up); err != nil {
			return err
		}
	}
	return nil
}

// readReply reads what the instance has sent, to the end of reply.
func (x *exchange1) readReply(up *upstream) error {
	if x.reply == nil {
		x.reply = buffers.Get()[:0]
	}
	if len(x.reply) == cap(x.reply) {
		x.reply = append(make([]byte, 0, 2*cap(x.reply)), x.reply...)
	}
	if x.unheard {
		_ = up.conn.SetReadDeadline(time.Now().Add(time.Second))
	}
	n, err := up.conn.Read(x.reply[len(x.reply):cap(x.reply)])
	x.reply = x.reply[:len(x.reply)+n]
	if x.firstByte == 0 && n > 0 {
		x.firstByte = time.Since(x.began)
	}
	if x.unheard && (n > 0 || isTimeout(err)) && !x.peek().ended() {
		return x.hear(up, n == 0)
	}
	if n > 0 {
		return nil
	}
	return err
}

// hear ends the wait for the instance's word on Expect: 100-continue. One that says nothing for a second does not know
// the header, and waits for the body.
func (x *exchange1) hear(up *upstream, silent bool) error {
	x.unheard = false
	_ = up.conn.SetReadDeadline(time.Time{})
	if x.peek().ended() {
		return errAborted
	}
	if silent {
		_, _ = x.client.conn.Write([]byte("HTTP/1.1 100 Continue\r\n\r\n")) // who has gone is noticed by the reader
	}
	return nil
}

func isTimeout(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}

// wantsUpgrade reports whether the request asks for another protocol that may pass here. An offer to switch to cleartext
// HTTP/2 is ignored, as RFC 9110 allows: behind the switch a client could send requests that never pass here, with
// forwarding headers of its own making.
func (x *exchange1) wantsUpgrade() bool {
	return x.req.Upgrade.Len() > 0 && x.req.Minor == 1 && !x.req.Asks(x.in, "h2c")
}
