package http1

import (
	"bufio"
	"bytes"
	"net/http"
	"testing"
)

func TestResponse_Framing(t *testing.T) {
	for _, c := range []struct {
		text string
		head bool
		want Body
	}{
		{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", false, Body{form: counted, left: 5}},
		{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", true, Body{}},
		{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", false, Body{}},
		{"HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n", false, Body{form: chunked, lenient: true}},
		{"HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n", true, Body{}},
		{"HTTP/1.1 200 OK\r\n", false, Body{form: untilClose}},
		{"HTTP/1.0 200 OK\r\n", false, Body{form: untilClose}},
		{"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n", false, Body{}},
		{"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n", false, Body{}},
		{"HTTP/1.1 103 Early Hints\r\n", false, Body{}},
		{"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n", false, Body{}},
	} {
		b := []byte(c.text + "\r\n")
		var r Response
		if err := r.Parse(b); err != nil {
			t.Errorf("%q: %v", c.text, err)
		} else if got := r.Body(c.head); got != c.want {
			t.Errorf("%q: %+v", c.text, got)
		}
	}
}

func TestResponse_WhatIsAmbiguousIsRefused(t *testing.T) {
	for _, text := range []string{
		"SSH-2.0-OpenSSH\r\n",
		"HTTP/1.1\r\n",
		"HTTP/1.1 20\r\n",
		"HTTP/1.1 2000 OK\r\n",
		"HTTP/1.1 099 No\r\n",
		"HTTP/1.1 +20 No\r\n",
		"HTTP/2.0 200 OK\r\n",
		"HTTP/1.1  200 OK\r\n",
		"HTTP/1.1 200 O\rK\r\n",
		"HTTP/1.1 200 OK\nX: y\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n",
		"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n",
		"HTTP/1.1 200 OK\r\nX : y\r\n",
		"HTTP/1.1 200 OK\r\nX: y\r\n z\r\n",
		"HTTP/1.1 200 OK\r\nSet-Cookie: a\x00b\r\n",
	} {
		var r Response
		if err := r.Parse([]byte(text + "\r\n")); err == nil {
			t.Errorf("%q: taken as %+v", text, r)
		}
	}
}

func FuzzResponse(f *testing.F) {
	for _, text := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
		"HTTP/1.0 404 Not Found\r\nConnection: keep-alive\r\n\r\n",
		"HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n",
		"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
	} {
		f.Add([]byte(text), false)
	}
	f.Fuzz(func(t *testing.T, b []byte, head bool) {
		end := End(b, 0)
		if end == 0 {
			return
		}
		var r Response
		if r.Parse(b[:end]) != nil {
			return
		}
		asked := &http.Request{Method: map[bool]string{true: "HEAD", false: "GET"}[head]}
		theirs, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(b[:end])), asked)
		if err != nil {
			return
		}
		body := r.Body(head)
		chunkedThere := len(theirs.TransferEncoding) > 0 && !head && theirs.StatusCode >= 200 && theirs.StatusCode != 204 && theirs.StatusCode != 304
		if r.Status != theirs.StatusCode || body.Chunked() != chunkedThere {
			t.Errorf("%d %+v, net/http %d %v", r.Status, body, theirs.StatusCode, theirs.TransferEncoding)
		}
		if !body.Chunked() && !body.UntilClose() && !head && body.Left() != max(theirs.ContentLength, 0) {
			t.Errorf("%d %+v, net/http length %d", r.Status, body, theirs.ContentLength)
		}
	})
}
