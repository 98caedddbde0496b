package http1

import (
	"bytes"
	"io"
	"net/http/httputil"
	"strings"
	"testing"
)

// scan feeds text in pieces of at most size bytes.
func scan(b *Body, text string, size int) (n int, done bool, err error) {
	for n < len(text) && !done && err == nil {
		var m int
		m, done, err = b.Scan([]byte(text[n:min(n+size, len(text))]))
		n += m
	}
	return n, done, err
}

func TestChunked_EndIsFoundHoweverTheBodyComes(t *testing.T) {
	for _, text := range []string{
		"0\r\n\r\n",
		"4\r\nwiki\r\n5\r\npedia\r\n0\r\n\r\n",
		"000a\r\n0\r\n\r\n12345\r\n0000\r\n\r\n",
		"4\r\nwiki\r\n0\r\nX-Sum: 1\r\nY:\r\n\r\n",
	} {
		for size := 1; size <= len(text); size++ {
			b := Body{form: chunked}
			if n, done, err := scan(&b, text+"GET /next", size); n != len(text) || !done || err != nil {
				t.Errorf("%q in pieces of %d: %d, %v, %v", text, size, n, done, err)
			}
		}
	}
}

func TestChunked_WhatIsAmbiguousIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"no size":              "\r\n\r\n",
		"no number":            "xyz\r\n",
		"sign":                 "+4\r\nwiki\r\n0\r\n\r\n",
		"0x":                   "0x4\r\nwiki\r\n0\r\n\r\n",
		"overflow":             "10000000000000004\r\nwiki\r\n0\r\n\r\n",
		"many zeros":           "00000000000000000000004\r\nwiki\r\n",
		"space before":         " 4\r\nwiki\r\n",
		"space after":          "4 \r\nwiki\r\n",
		"extension":            "4;a=b\r\nwiki\r\n0\r\n\r\n",
		"bare LF":              "4\nwiki\n0\n\n",
		"bare LF, extension":   "4;\nxx\r\nwiki\r\n",
		"bare CR":              "4\rwiki\r\n",
		"data without end":     "4\r\nwikixx0\r\n\r\n",
		"data with LF alone":   "4\r\nwiki\n0\r\n\r\n",
		"data too short":       "5\r\nwiki\r\n0\r\n\r\n",
		"trailer fold":         "0\r\nX: y\r\n z\r\n\r\n",
		"trailer without name": "0\r\n: y\r\n\r\n",
		"trailer bare LF":      "0\r\nX: y\nZ: z\r\n\r\n",
		"trailer NUL":          "0\r\nX: \x00\r\n\r\n",
		"trailer framing":      "0\r\nContent-Length: 4\r\n\r\n",
		"trailer coding":       "0\r\ntransfer-encoding: chunked\r\n\r\n",
		"trailer host":         "0\r\nHost: b.test\r\n\r\n",
		"trailer spoof":        "0\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n",
		"trailer disguise":     "0\r\nX_Forwarded_For: 6.6.6.6\r\n\r\n",
		"trailers too long":    "0\r\n" + strings.Repeat("X: y\r\n", 2000),
		"end bare LF":          "0\r\n\n",
	} {
		b := Body{form: chunked}
		if _, done, err := scan(&b, text, 7); done || status(err) != 400 {
			t.Errorf("%s: done %v, %v", name, done, err)
		}
	}
}

func TestChunked_OfAnInstanceMayHaveBoundedExtensions(t *testing.T) {
	for text, ok := range map[string]bool{
		"4 \r\nwiki\r\n0\r\n\r\n":                            true,
		"4;a=\"b\"\r\nwiki\r\n0;z\r\n\r\n":                   true,
		"4;a\nb\r\nwiki\r\n0\r\n\r\n":                        false,
		"4x\r\nwiki\r\n0\r\n\r\n":                            false,
		"4;" + strings.Repeat("a", 2000) + "\r\nwiki\r\n":    false,
		strings.Repeat("1;abcdefgh\r\nx\r\n", 200) + "0\r\n": false,
	} {
		b := Body{form: chunked, lenient: true}
		if _, done, err := scan(&b, text, 5); done != ok || (err == nil) != ok {
			t.Errorf("%.40q: done %v, %v", text, done, err)
		}
	}
}

func TestCounted_EndsWithItsLastByte(t *testing.T) {
	b := Body{form: counted, left: 5}
	if n, done, err := scan(&b, "helloGET /", 2); n != 5 || !done || err != nil || b.Payload != 5 {
		t.Errorf("%d, %v, %v", n, done, err)
	}
}

// FuzzChunked holds what Next calls payload against net/http's reader of chunks, which takes more.
func FuzzChunked(f *testing.F) {
	f.Add([]byte("4\r\nwiki\r\n5\r\npedia\r\n0\r\nX: y\r\n\r\n"), uint8(3))
	f.Add([]byte("fffffffffffffff\r\nx"), uint8(1))
	f.Fuzz(func(t *testing.T, text []byte, size uint8) {
		b := Body{form: chunked}
		var payload []byte
		at, done := 0, false
		for at < len(text) && !done {
			piece := text[at:min(at+int(size)+1, len(text))]
			frame, data, end, err := b.Next(piece)
			if err != nil {
				return
			}
			payload = append(payload, piece[frame:frame+data]...)
			at, done = at+frame+data, end
		}
		if !done {
			return
		}
		if b.Payload != int64(len(payload)) {
			t.Errorf("payload %d, counted %d", len(payload), b.Payload)
		}
		theirs, err := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(text)))
		if err != nil || !bytes.Equal(theirs, payload) {
			t.Errorf("%q, net/http %q, %v", payload, theirs, err)
		}
	})
}
