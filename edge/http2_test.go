package edge

import (
	"bytes"
	"crypto/tls"
	"net"
	"net/http"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// writeGet opens a stream with a request for the service.
func writeGet(t *testing.T, f *http2.Framer, stream uint32) {
	t.Helper()
	if err := f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: getBlock(), EndStream: true, EndHeaders: true}); err != nil {
		t.Fatal(err)
	}
}

func getBlock() []byte {
	var block bytes.Buffer
	e := hpack.NewEncoder(&block)
	e.SetMaxDynamicTableSize(0) // so that the block is the same for each stream
	for _, field := range [][2]string{{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", host}} {
		_ = e.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]}) // into memory
	}
	return block.Bytes()
}

// hostile opens a connection that speaks HTTP/2 as it likes.
func (d *door) hostile() (net.Conn, *http2.Framer) {
	d.tb.Helper()
	c := d.connect()
	say(d.tb, c, preface)
	f := http2.NewFramer(c, c)
	if err := f.WriteSettings(); err != nil {
		d.tb.Fatal(err)
	}
	return c, f
}

// readUntil reads frames until one fits, and fails when the connection ends before.
func readUntil(t *testing.T, f *http2.Framer, what string, fits func(http2.Frame) bool) {
	t.Helper()
	for {
		frame, err := f.ReadFrame()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if fits(frame) {
			return
		}
	}
}

func goneFor(code http2.ErrCode) func(http2.Frame) bool {
	return func(f http2.Frame) bool {
		away, ok := f.(*http2.GoAwayFrame)
		return ok && away.ErrCode == code
	}
}

func TestHTTP2_SaysHowManyStreamsThereMayBe(t *testing.T) {
	d := newDoor(t, echo)
	_, f := d.hostile()
	readUntil(t, f, "SETTINGS", func(frame http2.Frame) bool {
		settings, ok := frame.(*http2.SettingsFrame)
		if !ok {
			return false
		}
		if n, _ := settings.Value(http2.SettingMaxConcurrentStreams); n != 250 {
			t.Errorf("%d streams may be open, want 250", n)
		}
		return true
	})
}

// TestHTTP2_IsWhatWasAgreedOn in the handshake, whatever the client sends then.
func TestHTTP2_IsWhatWasAgreedOn(t *testing.T) {
	d := newDoor(t, echo, func(c *Config) { c.HeaderTimeout = time.Second })
	config := d.roots()
	config.NextProtos = []string{"h2"}
	for begin, code := range map[string]http2.ErrCode{"GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n": http2.ErrCodeProtocol, preface[:20]: 0} {
		c, err := tls.Dial("tcp", d.addr, config)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		say(t, c, begin)
		if code == 0 {
			ended(t, c)
			continue
		}
		readUntil(t, http2.NewFramer(c, c), "GOAWAY", goneFor(code))
	}
}

func TestHTTP2_RefusesStreamsAboveThat(t *testing.T) {
	d := newDoor(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, func(c *Config) { c.MaxStreams = 10 })
	c, f := d.hostile()
	for i := range uint32(11) {
		writeGet(t, f, 1+2*i)
	}
	readUntil(t, f, "the eleventh stream is reset", func(frame http2.Frame) bool {
		reset, ok := frame.(*http2.RSTStreamFrame)
		return ok && reset.StreamID == 21
	})
	c.Close()
}

// TestHTTP2_EndsRapidReset: streams that are reset at once are not under way for the limit of streams, while their requests
// still are (CVE-2023-44487).
func TestHTTP2_EndsRapidReset(t *testing.T) {
	stuck := make(chan struct{})
	d := newDoor(t, func(http.ResponseWriter, *http.Request) { <-stuck }, func(c *Config) { c.MaxStreams = 10 })
	defer close(stuck)
	d.stall()
	_, f := d.hostile()
	go func() { // the server may stop reading before all is written
		for i := range uint32(100_000) {
			if f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1 + 2*i, BlockFragment: getBlock(), EndStream: true, EndHeaders: true}) != nil ||
				f.WriteRSTStream(1+2*i, http2.ErrCodeCancel) != nil {
				return
			}
		}
	}()
	readUntil(t, f, "ENHANCE_YOUR_CALM", goneFor(http2.ErrCodeEnhanceYourCalm))
}

// stall makes the service's requests wait for an instance that accepts none.
func (d *door) stall() {
	l := listen(d.tb)
	d.tb.Cleanup(func() { l.Close() })
	d.place(l.Addr().String())
}

// TestHTTP2_EndsFloods of frames that have to be answered by a client that reads no answers.
func TestHTTP2_EndsFloods(t *testing.T) {
	for name, flood := range map[string]func(*http2.Framer) error{
		"ping":     func(f *http2.Framer) error { return f.WritePing(false, [8]byte{}) },
		"settings": func(f *http2.Framer) error { return f.WriteSettings() },
		"header without end": func(f *http2.Framer) error {
			return f.WriteContinuation(1, false, bytes.Repeat([]byte{0x00, 1, 'a', 1, 'b'}, 2000))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDoor(t, echo, func(c *Config) { c.IdleTimeout = time.Second })
			c, f := d.hostile()
			if name == "header without end" {
				if err := f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: getBlock(), EndStream: true}); err != nil {
					t.Fatal(err)
				}
			}
			for range 5_000_000 {
				if err := flood(f); err != nil {
					if e, ok := err.(net.Error); ok && e.Timeout() {
						t.Error("the server neither ends the connection nor reads on")
					}
					return
				}
			}
			c.Close()
			t.Error("the server takes all of it")
		})
	}
}
