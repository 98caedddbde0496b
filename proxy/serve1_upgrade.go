package proxy

import (
	"io"
	"net"
	"time"
)

// switchProtocols passes 101 on and then whatever either side sends, until both have ended or one broke.
func (x *exchange1) switchProtocols() {
	up := x.up
	x.client.watch.expect(time.Time{}, nothing, nil) // an upgraded connection may live as long as both ends like
	x.stopReader()
	x.mu.Lock()
	x.state.stopping = false
	x.state.switched, x.state.answered = true, true
	cut := x.state.ended()
	x.mu.Unlock()
	x.status, x.keep, x.whole = 101, false, true
	defer up.close()
	if cut {
		return
	}
	x.composeSwitch()
	if _, err := x.client.conn.Write(x.out); err != nil {
		return
	}
	x.copyBoth(up)
}

func (x *exchange1) composeSwitch() {
	b := x.composeAnswer(x.out[:0])
	b = append(b[:len(b)-2], "Connection: Upgrade\r\nUpgrade: "...)
	b = append(append(b, x.res.Upgrade.Of(x.reply[x.at:])...), "\r\n\r\n"...)
	x.at += x.res.Size
	x.out = append(b, x.reply[x.at:]...)
}

func (x *exchange1) copyBoth(up *upstream) {
	client := x.client.conn
	if early := append(x.in[x.taken:], x.ahead...); len(early) > 0 {
		if _, err := up.conn.Write(early); err != nil {
			return
		}
		x.upload.Payload += int64(len(early))
	}
	sent := make(chan int64, 1)
	go func() { sent <- copyOne(up.conn, client) }()
	x.answer.Payload += copyOne(client, up.conn)
	x.upload.Payload += <-sent
}

// copyOne copies until from ends. It tells to of that, or ends both when copying failed, so that the other way ends too.
func copyOne(to, from net.Conn) int64 {
	buf := buffers.Get()
	defer buffers.Put(buf)
	n, err := io.CopyBuffer(onlyWriter{to}, onlyReader{from}, buf)
	half, ok := to.(interface{ CloseWrite() error })
	if err != nil || !ok || half.CloseWrite() != nil {
		_ = to.SetDeadline(longAgo)
		_ = from.SetDeadline(longAgo)
	}
	return n
}

type onlyWriter struct{ io.Writer }

type onlyReader struct{ io.Reader }
