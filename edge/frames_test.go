package edge

import (
	"bytes"
	"io"
	"net"
	"testing"

	"golang.org/x/net/http2"
)

// sink is a connection that keeps what is written to it.
type sink struct {
	net.Conn
	text []byte
}

func (s *sink) Write(p []byte) (int, error) {
	s.text = append(s.text, p...)
	return len(p), nil
}

// TestFrames_ArePutBetweenOthers wherever the others are cut into writes, and whenever the client is to be told.
func TestFrames_ArePutBetweenOthers(t *testing.T) {
	var sent bytes.Buffer
	f := http2.NewFramer(&sent, nil)
	_ = f.WriteSettings() // into memory, as all that follows
	_ = f.WriteSettingsAck()
	_ = f.WriteData(1, false, bytes.Repeat([]byte{0}, 300))
	_ = f.WritePing(true, [8]byte{1})
	_ = f.WriteData(1, true, nil)
	text := sent.Bytes()
	for size := 1; size < len(text); size += 7 {
		for when := 0; when < len(text); when += 5 {
			to := &sink{}
			c := &frames{Conn: to}
			for at := 0; at < len(text); at += size {
				if at <= when && when < at+size {
					c.goAway()
				}
				if n, err := c.Write(text[at:min(at+size, len(text))]); err != nil || n != min(size, len(text)-at) {
					t.Fatalf("wrote %d, %v", n, err)
				}
			}
			oneMore(t, to.text, text, size, when)
		}
	}
}

// oneMore wants the frames of text in got, and one GOAWAY that is not the first.
func oneMore(t *testing.T, got, text []byte, size, when int) {
	t.Helper()
	f := http2.NewFramer(io.Discard, bytes.NewReader(got))
	at := 0
	for n := 0; ; n++ {
		frame, err := f.ReadFrame()
		if err != nil {
			t.Fatalf("in writes of %d, told at %d: no GOAWAY before %v", size, when, err)
		}
		if frame.Header().Type == http2.FrameGoAway {
			if n == 0 {
				t.Fatalf("in writes of %d, told at %d: GOAWAY comes first", size, when)
			}
			break
		}
		at += frameHeader + int(frame.Header().Length)
	}
	if rest := append(bytes.Clone(got[:at]), got[at+len(goingAway):]...); !bytes.Equal(rest, text) {
		t.Fatalf("in writes of %d, told at %d: the other frames have changed", size, when)
	}
}
