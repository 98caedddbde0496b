package edge

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"time"

	"apron/proxy"
)

// preface is what a client's connection begins with when it speaks HTTP/2 without having agreed on it before.
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// protocol is what a connection's first bytes say it speaks.
type protocol int

const (
	unknown protocol = iota // more bytes will tell
	plain1                  // HTTP/1.x in clear
	plain2                  // HTTP/2 in clear
	secure                  // TLS: what is inside is agreed on in its handshake
)

// tell finds the protocol by a connection's first bytes. 0x16 begins a TLS handshake and no method of HTTP.
func tell(head []byte) protocol {
	switch {
	case len(head) == 0:
		return unknown
	case head[0] == 0x16:
		return secure
	case !strings.HasPrefix(preface, string(head)):
		return plain1
	case len(head) == len(preface):
		return plain2
	}
	return unknown
}

// sniff reads until the protocol is told, for the time that a head may take.
func (c *conn) sniff(limit time.Duration) protocol {
	_ = c.SetReadDeadline(time.Now().Add(limit)) // one that fails makes Read fail
	for n := 0; n < len(c.head); {
		got, err := c.Conn.Read(c.head[n:])
		if n += got; got > 0 {
			c.idle.Store(false)
		}
		c.unread = c.head[:n]
		if p := tell(c.unread); p != unknown {
			_ = c.SetReadDeadline(time.Time{})
			return p
		}
		if err != nil {
			break
		}
	}
	return unknown
}

// serve gives the connection to what speaks its protocol, and returns when it has ended or is in other hands.
func (s *Server) serve(c *conn) {
	switch c.sniff(s.header) {
	case secure:
		s.serveTLS(c)
	case plain2:
		s.serveHTTP2(c, c, nil)
	case plain1:
		if s.redirect {
			s.giveWeb(c)
			return
		}
		s.serveHTTP1(c, c.Conn, c.unread, nil)
	default:
		_ = c.Close() // nothing came, or not enough in time: there is nobody to tell
	}
}

// serveTLS makes the handshake, which is bounded as a whole: a client that sends it byte by byte holds a connection and no
// more than that.
func (s *Server) serveTLS(c *conn) {
	if s.tls == nil {
		s.alert(c)
		return
	}
	secured := tls.Server(c, s.tls)
	ctx, cancel := context.WithTimeout(context.Background(), s.handshake)
	defer cancel()
	if err := secured.HandshakeContext(ctx); err != nil {
		s.log.LogAttrs(ctx, slog.LevelDebug, "no TLS handshake", slog.String("client", c.RemoteAddr().String()), slog.Any("error", err))
		_ = c.Close()
		return
	}
	state := secured.ConnectionState()
	if state.NegotiatedProtocol == "h2" {
		s.serveHTTP2(c, secured, &state)
		return
	}
	s.serveHTTP1(c, secured, nil, &state)
}

// alert tells a client that wants TLS where none is spoken.
func (s *Server) alert(c *conn) {
	_ = c.SetDeadline(time.Now().Add(time.Second))
	_, _ = c.Write(noTLS)
	_ = c.Close()
}

// noTLS is a fatal alert in clear, handshake_failure: the nearest that TLS has to "this is not spoken here".
var noTLS = []byte{0x15, 3, 1, 0, 2, 2, 40}

// serveHTTP1 serves HTTP/1.x on stream, which is the client's connection itself or the TLS on it. read is what was read of it. It may
// return before the connection ends: one that idles holds no goroutine then.
func (s *Server) serveHTTP1(c *conn, stream net.Conn, read []byte, state *tls.ConnectionState) {
	given := false
	s.proxy.ServeConn(stream, read, proxy.Via{
		TLS:   state,
		Moved: c.move,
		Idle:  &c.idle,
		Last:  &s.draining,
		Fallback: func(stream net.Conn, read []byte) {
			given = true
			c.idle.Store(false) // net/http says from now on when it is
			s.giveWeb(again(c, stream, read, state))
		},
		Ended: func() {
			if !given {
				c.table.leave(c) // it is closed
			}
		},
	})
}

// serveHTTP2 gives stream, which is the client's connection itself or the TLS on it, to net/http as if it were in clear: of TLS there, it
// would take nothing but its own connections. It would also take HTTP/1.x, where the client has agreed on HTTP/2, so the preface is
// looked at here.
func (s *Server) serveHTTP2(c *conn, stream net.Conn, state *tls.ConnectionState) {
	if state != nil {
		var err error
		if stream, err = s.prefaced(c, stream); err != nil {
			_ = c.Close()
			return
		}
	}
	f := &frames{Conn: stream, state: state}
	c.frames.Store(f)
	if s.draining.Load() {
		f.goAway() // Drain may have looked before it was there
	}
	s.giveWeb(f)
}

var errNoPreface = errors.New("the client does not begin as HTTP/2 begins")

// prefaced reads the preface and returns the stream from which it is read once more. A client that begins otherwise is told.
func (s *Server) prefaced(c *conn, stream net.Conn) (net.Conn, error) {
	_ = stream.SetReadDeadline(time.Now().Add(s.header)) // one that fails makes Read fail
	head := make([]byte, len(preface))
	if _, err := io.ReadFull(stream, head); err != nil {
		return nil, err
	}
	_ = stream.SetReadDeadline(time.Time{})
	if string(head) != preface {
		_ = stream.SetWriteDeadline(time.Now().Add(tellLimit))
		_, _ = stream.Write(goAway(protocolError, errNoPreface.Error()))
		return nil, errNoPreface
	}
	return &reread{stream, c, head}, nil
}
