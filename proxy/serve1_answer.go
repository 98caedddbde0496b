package proxy

import (
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"apron/proxy/http1"
)

// deliver passes the answer, whose head was read, on to the client.
func (x *exchange1) deliver() {
	if x.res.Status == http.StatusSwitchingProtocols {
		x.switchProtocols()
		return
	}
	x.beginAnswer()
	x.out = x.composeAnswer(x.out[:0])
	x.at += x.res.Size
	done, err := x.pass()
	x.relay(done, err)
}

// beginAnswer settles how the answer is framed. From here on no other status can be told.
func (x *exchange1) beginAnswer() {
	head := x.req.Is(x.in, "HEAD")
	x.answer = x.res.Body(head)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.state.answered = true
	x.status = x.res.Status
	x.keep = x.req.KeepAlive && x.state.bodyRead && !x.state.ended() && !x.client.last()
	if x.req.Minor == 0 && (x.answer.Chunked() || x.answer.UntilClose()) {
		x.keep = false // HTTP/1.0 has no other way to tell the end
	}
}

// rechunks reports whether the answer's end, which the instance tells by closing, is told by chunks.
func (x *exchange1) rechunks() bool { return x.answer.UntilClose() && x.req.Minor == 1 }

// composeAnswer appends the head that the client gets.
func (x *exchange1) composeAnswer(b []byte) []byte {
	reply := x.reply[x.at:]
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(x.res.Status), 10)
	b = append(append(append(b, ' '), x.res.Reason.Of(reply)...), "\r\n"...)
	dated := false
	for i := range x.res.Fields {
		f := &x.res.Fields[i]
		dated = dated || f.Kind == http1.Date
		if !f.Kind.Private() {
			b = appendField(b, reply, f)
		}
	}
	if !dated {
		b = appendDate(b)
	}
	switch {
	case x.answer.Chunked() && x.req.Minor == 1, x.rechunks():
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	case x.res.Length >= 0:
		b = appendLength(b, x.res.Length)
	}
	return append(x.appendConnection(b), "\r\n"...)
}

// appendConnection says what becomes of the connection, where the client would expect something else.
func (x *exchange1) appendConnection(b []byte) []byte {
	switch {
	case x.res.Status == http.StatusSwitchingProtocols:
		return b // composeSwitch says it
	case !x.keep:
		return append(b, "Connection: close\r\n"...)
	case x.req.Minor == 0:
		return append(b, "Connection: keep-alive\r\n"...)
	}
	return b
}

// pass appends to out what of reply belongs to the answer, in the client's framing, and takes it from reply.
func (x *exchange1) pass() (done bool, err error) {
	for {
		p := x.reply[x.at:]
		frame, data, done, err := x.answer.Next(p)
		switch {
		case x.answer.Chunked() && x.req.Minor == 1:
			x.out = append(x.out, p[:frame+data]...)
		case x.rechunks() && data > 0:
			x.out = append(strconv.AppendInt(x.out, int64(data), 16), "\r\n"...)
			x.out = append(append(x.out, p[frame:frame+data]...), "\r\n"...)
		default:
			x.out = append(x.out, p[frame:frame+data]...)
		}
		x.at += frame + data
		if done || err != nil || x.at == len(x.reply) {
			return done, err
		}
	}
}

// relay writes what is in out, and the rest of the body as it comes.
func (x *exchange1) relay(done bool, err error) {
	for first := true; ; first = false {
		if done {
			x.release()
		}
		if !first {
			x.awaitClient()
		}
		if _, werr := x.client.conn.Write(x.out); werr != nil {
			x.noteUnread(werr)
			x.breakOff(werr, false)
			return
		}
		if done {
			x.whole = true
			return
		}
		if err == nil {
			done, err = x.readOn()
		}
		if err != nil {
			x.breakOff(err, true)
			return
		}
	}
}

// readOn reads what comes next of the answer and makes it what is to be written. What came before an error is written
// before the error is told.
func (x *exchange1) readOn() (done bool, err error) {
	for x.out = x.out[:0]; len(x.out) == 0 && !done; {
		x.reply, x.at = x.reply[:0], 0
		if err := x.readReply(x.up); err != nil {
			return x.endAtClose(err)
		}
		if done, err = x.pass(); err != nil {
			return false, err
		}
	}
	return done, nil
}

// release ends what concerns the instance, once it has answered whole: the next request may have its place and, if both
// sides are done with it, its connection.
func (x *exchange1) release() {
	x.mu.Lock()
	s, up := x.state, x.up
	x.up = nil
	x.mu.Unlock()
	if up == nil {
		return // a loop has done it
	}
	up.x = nil
	if x.res.KeepAlive && s.bodyRead && !s.refused && !s.ended() && !x.answer.UntilClose() && x.at == len(x.reply) {
		up.instance.idle.put(up)
	} else {
		up.close() // what follows an answer that nobody asked for is the beginning of no other answer
	}
	x.leaveInstance()
}

// breakOff ends an answer that can't be made whole: the client's connection is closed, for no status can tell it.
func (x *exchange1) breakOff(err error, byInstance bool) {
	if up := x.up; up != nil {
		x.attach(nil)
		up.close()
	}
	x.keep = false
	x.reportBroken(err, byInstance)
}

// endAtClose judges the end of the instance's connection while its answer is read.
func (x *exchange1) endAtClose(err error) (done bool, _ error) {
	if err != io.EOF || !x.answer.UntilClose() {
		return false, err
	}
	if x.rechunks() {
		x.out = append(x.out, "0\r\n\r\n"...)
	}
	return true, nil
}

// now1 is the value of the Date header, made once a second.
type now1 struct {
	second int64
	text   string
}

var dateNow atomic.Pointer[now1]

// appendDate dates an answer that the instance has not (RFC 9110, 6.6.1).
func appendDate(b []byte) []byte {
	now := time.Now()
	d := dateNow.Load()
	if d == nil || d.second != now.Unix() {
		d = &now1{now.Unix(), "Date: " + now.UTC().Format(http.TimeFormat) + "\r\n"}
		dateNow.Store(d)
	}
	return append(b, d.text...)
}

// passInterim passes a 1xx on to a client that can know them.
func (x *exchange1) passInterim() {
	if x.req.Minor == 0 || x.res.Status == 100 && !x.req.Continue {
		return
	}
	reply := x.reply[x.at:]
	b := strconv.AppendInt(append(x.out[:0], "HTTP/1.1 "...), int64(x.res.Status), 10)
	b = append(append(append(b, ' '), x.res.Reason.Of(reply)...), "\r\n"...)
	for i := range x.res.Fields {
		if f := &x.res.Fields[i]; !f.Kind.Private() {
			b = appendField(b, reply, f)
		}
	}
	x.out = append(b, "\r\n"...)
	_, _ = x.client.conn.Write(x.out) // who has gone is noticed with the answer
}
