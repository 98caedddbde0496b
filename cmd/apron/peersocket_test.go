package main_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/sync/errgroup"
)

// socketLimit is for what one connection says.
const socketLimit = time.Minute

// TestPeerWebSocket_SaysWhatItWouldWithoutUs has the library coder/websocket at both ends.
func TestPeerWebSocket_SaysWhatItWouldWithoutUs(t *testing.T) {
	p := newPeer(t, "http", 1)
	p.eachScheme(func(t *testing.T, scheme string) {
		t.Run("echo", func(t *testing.T) { p.socketEchoes(t, scheme) })
		t.Run("ping", func(t *testing.T) { p.socketAnswersPings(t, scheme) })
		t.Run("closed by the server", func(t *testing.T) { p.socketIsClosed(t, scheme) })
		t.Run("closed by the client", func(t *testing.T) { p.socketCloses(t, scheme) })
	})
}

// dialSocket opens a connection, compressed if the options say so.
func (p *peer) dialSocket(ctx context.Context, scheme string, mode websocket.CompressionMode) (*websocket.Conn, error) {
	c, resp, err := websocket.Dial(ctx, scheme+"://"+p.url+"/ws", &websocket.DialOptions{HTTPClient: p.web(), CompressionMode: mode})
	if err != nil {
		return nil, fmt.Errorf("dial: %w (%v)", err, resp)
	}
	c.SetReadLimit(64 << 20)
	return c, nil
}

// socket is dialSocket for a test, with the time that it has.
func (p *peer) socket(t *testing.T, scheme string) (*websocket.Conn, context.Context) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), socketLimit)
	t.Cleanup(cancel)
	c, err := p.dialSocket(ctx, scheme, websocket.CompressionDisabled)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.CloseNow() })
	return c, ctx
}

// says sends a message and wants it back.
func says(ctx context.Context, c *websocket.Conn, kind websocket.MessageType, message []byte) error {
	if err := c.Write(ctx, kind, message); err != nil {
		return fmt.Errorf("write %d bytes: %w", len(message), err)
	}
	gotKind, got, err := c.Read(ctx)
	if err != nil {
		return fmt.Errorf("read back %d bytes: %w", len(message), err)
	}
	if gotKind != kind || !bytes.Equal(got, message) {
		return fmt.Errorf("%v of %d bytes came back as %v of %d", kind, len(message), gotKind, len(got))
	}
	return nil
}

func (p *peer) socketEchoes(t *testing.T, scheme string) {
	for _, mode := range []websocket.CompressionMode{websocket.CompressionDisabled, websocket.CompressionContextTakeover} {
		ctx, cancel := context.WithTimeout(t.Context(), socketLimit)
		defer cancel()
		c, err := p.dialSocket(ctx, scheme, mode)
		if err != nil {
			t.Fatal(err)
		}
		defer c.CloseNow()
		for _, size := range []int{0, 1, 125, 126, 65535, 65536, 16 << 20} {
			if err := says(ctx, c, websocket.MessageBinary, bytes.Repeat([]byte{0, 1, 254, 255, '\r', '\n', 7}, size/7+1)[:size]); err != nil {
				t.Fatal(err)
			}
		}
		if err := says(ctx, c, websocket.MessageText, []byte("\u2603 and \U0001F980")); err != nil {
			t.Fatal(err)
		}
	}
}

func (p *peer) socketAnswersPings(t *testing.T, scheme string) {
	c, ctx := p.socket(t, scheme)
	ctx = c.CloseRead(ctx) // which reads the pongs
	for range 3 {
		if err := c.Ping(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

func (p *peer) socketIsClosed(t *testing.T, scheme string) {
	for code, reason := range map[websocket.StatusCode]string{1000: "", 1001: "going", 1011: "broken", 4001: "enough, \u2603"} {
		c, ctx := p.socket(t, scheme)
		if err := c.Write(ctx, websocket.MessageText, fmt.Appendf(nil, "close %d %s", code, reason)); err != nil {
			t.Fatal(err)
		}
		_, _, err := c.Read(ctx)
		if closed, ok := errors.AsType[websocket.CloseError](err); !ok || closed.Code != code || closed.Reason != reason {
			t.Errorf("the server's close with %d %q is seen as %v", code, reason, err)
		}
	}
}

// socketCloses ends in order only when the server's close has come back.
func (p *peer) socketCloses(t *testing.T, scheme string) {
	c, ctx := p.socket(t, scheme)
	if err := says(ctx, c, websocket.MessageText, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(websocket.StatusNormalClosure, "done"); err != nil {
		t.Errorf("close: %v", err)
	}
}

// idleSockets are held open at once; each counts as a request in flight, so they need instances for as many.
const idleSockets = 1000

func TestPeerWebSocket_AThousandIdle(t *testing.T) {
	p := newPeer(t, "http", idleSockets/100)
	ctx, cancel := context.WithTimeout(t.Context(), socketLimit)
	defer cancel()
	sockets := make([]*websocket.Conn, idleSockets)
	defer func() {
		for _, c := range sockets {
			if c != nil {
				c.CloseNow()
			}
		}
	}()
	each := func(f func(i int) error) {
		t.Helper()
		group := new(errgroup.Group)
		group.SetLimit(16)
		for i := range sockets {
			group.Go(func() error { return f(i) })
		}
		if err := group.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	each(func(i int) (err error) {
		scheme := []string{"http", "https"}[i%2]
		sockets[i], err = p.dialSocket(ctx, scheme, websocket.CompressionDisabled)
		return err
	})
	each(func(i int) error { return says(ctx, sockets[i], websocket.MessageText, fmt.Appendf(nil, "I am %d", i)) })
}
