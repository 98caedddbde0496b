package proxy

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// tape is an instance that keeps each byte that it gets, by connection. It reads requests as net/http does and answers
// each with 200.
type tape struct {
	mu      sync.Mutex
	streams []*bytes.Buffer
}

func (r *tape) serve(c net.Conn) {
	defer c.Close()
	stream := &bytes.Buffer{}
	r.mu.Lock()
	r.streams = append(r.streams, stream)
	r.mu.Unlock()
	in := bufio.NewReaderSize(io.TeeReader(c, writerFunc(func(p []byte) (int, error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		return stream.Write(p)
	})), 1<<20)
	for {
		req, err := http.ReadRequest(in)
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF { // without an answer it would be sent once more
			_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbad")
		}
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func (r *tape) got() (streams [][]byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.streams {
		streams = append(streams, bytes.Clone(s.Bytes()))
	}
	return streams
}

// all are the requests of all streams, in the order of their letters.
func (by reading) all(streams [][]byte) (list []string) {
	for _, s := range streams {
		list = append(list, by.requests(s)...)
	}
	slices.Sort(list)
	return list
}

// scene is a Proxy with one service, whose instance is a tape, and what the Proxy says that it did.
type scene struct {
	*edge
	*tape

	mu      sync.Mutex
	records []string // method and target of each request that was given to the instance
	whole   []string // and of those that it has answered
}

func newScene(t *testing.T, via way) *scene {
	s := &scene{tape: &tape{}}
	s.edge = newEdge(t, via, func(c *Config) {
		c.BodyIdle = time.Second // no client here is to be cut because the machine lets it wait
		c.Ended = func(r *Record) {
			s.mu.Lock()
			defer s.mu.Unlock()
			request := r.Method + " " + r.Target
			if r.Instance != "" {
				s.records = append(s.records, request)
			}
			if r.Instance != "" && r.Reason == "" {
				s.whole = append(s.whole, request)
			}
		}
	})
	s.raw("i1", s.tape.serve)
	s.open("i1")
	return s
}

func (s *scene) recorded() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(slices.Values(s.records))
}

// send sends the pieces on a connection of its own and returns all that comes back until the Proxy closes it.
func (s *scene) send(t *testing.T, pieces ...string) string {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	go func() {
		for _, p := range pieces {
			if _, err := io.WriteString(c, p); err != nil {
				return // it was refused before the end
			}
		}
	}()
	answer, err := io.ReadAll(c)
	if e, ok := err.(net.Error); ok && e.Timeout() {
		t.Errorf("the connection is still open after 20 seconds; so far it said %q", answer)
	}
	return string(answer)
}

// sentence is what the last answer in b says, and its status; 0 when there is none.
func lastAnswer(b string) (status int, sentence string) {
	in := bufio.NewReader(strings.NewReader(b))
	for {
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			return status, sentence
		}
		body, _ := io.ReadAll(res.Body)
		if res.StatusCode >= 200 {
			status, sentence = res.StatusCode, string(body)
		}
	}
}

// everyReading holds what the instance got, however it is read, to what the Proxy says it sent there.
func (s *scene) everyReading(t *testing.T, what string) {
	t.Helper()
	streams := s.got() // once: more may still be on its way
	first := readings[0].all(streams)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !within(first, s.records) || !within(s.whole, first) {
		t.Errorf("%s: the proxy gave the instance %q, which answered %q, and it got %q:\n%.2000q", what, s.records, s.whole, first, streams)
	}
	for _, by := range readings[1:] {
		if got := by.all(streams); !slices.Equal(got, first) {
			t.Errorf("%s: the instance got %q, and %q if it reads by %q:\n%.2000q", what, first, got, by.name, streams)
		}
	}
}

// within reports that each of some is one of all, as often.
func within(some, all []string) bool {
	left := slices.Clone(all)
	for _, one := range some {
		i := slices.Index(left, one)
		if i < 0 {
			return false
		}
		left = slices.Delete(left, i, i+1)
	}
	return true
}

// TestAbuse_InstanceGetsWhatWasSentOpenly sends each abuse whole, in small pieces, and behind a request that is in order, and
// looks at what arrives. All at once, because a refusal lingers.
func TestAbuse_InstanceGetsWhatWasSentOpenly(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		var group sync.WaitGroup
		defer group.Wait()
		room := make(chan struct{}, 64)
		for _, a := range abuses {
			end := max(0, len(a.sent)-60)
			for how, pieces := range map[string][]string{
				"whole":          {a.sent},
				"in pieces":      chop(a.sent, 7),
				"byte by byte":   append([]string{a.sent[:end]}, chop(a.sent[end:], 1)...),
				"behind another": {"GET /first HTTP/1.1\r\nHost: web.test\r\n\r\n" + a.sent},
			} {
				room <- struct{}{}
				group.Go(func() {
					defer func() { <-room }()
					a.run(t, via, a.name+", "+how, pieces)
				})
			}
		}
	})
}

func chop(s string, n int) (pieces []string) {
	for ; len(s) > n; s = s[n:] {
		pieces = append(pieces, s[:n])
	}
	return append(pieces, s)
}

// abuse is something that a client should not send. It is either refused with the status, or open are the requests in it, which
// the instance may get; after them the connection is closed.
type abuse struct {
	name   string
	sent   string
	status int
	open   []string
}

func (a abuse) run(t *testing.T, via way, how string, pieces []string) {
	if via.name == netHTTP.name && len(a.sent) < 24 {
		return // it waits for as many bytes as tell HTTP/2 from HTTP/1
	}
	s := newScene(t, via)
	answer := s.send(t, pieces...)
	status, sentence := lastAnswer(answer)
	eventually(t, "requests ended", func() bool { return s.InFlight("web") == 0 })
	s.everyReading(t, how)
	got := slices.DeleteFunc(s.recorded(), func(r string) bool { return r == "GET /first" })
	switch {
	case status == 0:
		t.Errorf("%s: nobody was told anything: %q", how, answer)
	case status >= 400 && !(status == 417 && via.name == netHTTP.name) && (len(sentence) < 12 || !strings.Contains(sentence, " ")):
		t.Errorf("%s: refused with %d and %q", how, status, sentence)
	case via.name == netHTTP.name: // is laxer in what it takes, and what it sends on is its own
	case status != a.status:
		t.Errorf("%s: status %d (%s), want %d", how, status, strings.TrimSpace(sentence), a.status)
	case a.open != nil && !slices.Equal(got, a.open):
		t.Errorf("%s: the instance got %q, want %q", how, got, a.open)
	case a.open == nil && len(got) > 0 && (len(got) > 1 || got[0] != "POST /a"): // whose body it was that was refused
		t.Errorf("%s: the instance got %q", how, got)
	}
}

const (
	host   = "Host: web.test\r\n"
	hidden = "GET /hidden HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n"
	last   = "GET /last HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n"
)

// post is a POST of /a with these headers and that body, or what follows them in its place.
func post(headers, body string) string {
	return "POST /a HTTP/1.1\r\n" + host + headers + "\r\n" + body
}

func length(n int) string { return fmt.Sprintf("Content-Length: %d\r\n", n) }

const chunkedTE = "Transfer-Encoding: chunked\r\n"

var abuses = []abuse{
	// Two lengths, of which a front reads the one and the instance the other.
	{name: "CL.TE", sent: post(length(5+len(hidden))+chunkedTE, "0\r\n\r\n"+hidden), status: 400},
	{name: "TE.CL", sent: post(chunkedTE+length(4), fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(hidden), hidden)+last), status: 400},
	{name: "CL.TE of no length", sent: post(length(0)+chunkedTE, "0\r\n\r\n"+hidden), status: 400},
	{name: "two equal lengths", sent: post(length(0)+length(0), last), status: 400},
	{name: "two lengths", sent: post(length(0)+length(len(hidden)), hidden), status: 400},
	{name: "two lengths in a list", sent: post("Content-Length: 0, 5\r\n", last), status: 400},
	{name: "two equal lengths in a list", sent: post("Content-Length: 5, 5\r\n", "12345"+last), status: 400},
	{name: "length with a sign", sent: post("Content-Length: +5\r\n", "12345"+last), status: 400},
	{name: "negative length", sent: post("Content-Length: -1\r\n", last), status: 400},
	{name: "length in hex", sent: post("Content-Length: 0x5\r\n", "12345"+last), status: 400},
	{name: "length with an underscore", sent: post("Content-Length: 1_0\r\n", "1234567890"+last), status: 400},
	{name: "length of no digits", sent: post("Content-Length: \r\n", last), status: 400},
	{name: "length beyond 64 bits", sent: post("Content-Length: 18446744073709551617\r\n", "1"+last), status: 400},
	{name: "length with a space in it", sent: post("Content-Length: 1 0\r\n", last), status: 400},
	{name: "length with a vertical tab", sent: post("Content-Length: \v5\r\n", "12345"+last), status: 400},
	{name: "disguised length", sent: post("Content_Length: "+fmt.Sprint(len(hidden))+"\r\n", last), status: 200, open: []string{"GET /last", "POST /a"}},

	// A coding that not everybody takes for chunked.
	{name: "TE.TE", sent: post(chunkedTE+"Transfer-Encoding: x\r\n", "0\r\n\r\n"+last), status: 501},
	{name: "TE.TE other order", sent: post("Transfer-Encoding: x\r\n"+chunkedTE, "0\r\n\r\n"+last), status: 501},
	{name: "chunked twice", sent: post(chunkedTE+chunkedTE, "0\r\n\r\n"+last), status: 501},
	{name: "chunked in a list", sent: post("Transfer-Encoding: identity, chunked\r\n", "0\r\n\r\n"+last), status: 501},
	{name: "gzip and chunked", sent: post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"+last), status: 501},
	{name: "chunked and gzip", sent: post("Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n"+last), status: 501},
	{name: "xchunked", sent: post("Transfer-Encoding: xchunked\r\n", last), status: 501},
	{name: "identity", sent: post("Transfer-Encoding: identity\r\n"+length(0), last), status: 501},
	{name: "quoted chunked", sent: post("Transfer-Encoding: \"chunked\"\r\n", last), status: 501},
	{name: "chunked with a parameter", sent: post("Transfer-Encoding: chunked;q=1\r\n", "0\r\n\r\n"+last), status: 501},
	{name: "empty coding", sent: post("Transfer-Encoding:\r\n"+length(0), last), status: 501},
	{name: "space before the colon", sent: post("Transfer-Encoding : chunked\r\n"+length(5), "0\r\n\r\n"+last), status: 400},
	{name: "tab before the colon", sent: post("Transfer-Encoding\t: chunked\r\n"+length(5), "0\r\n\r\n"+last), status: 400},
	{name: "vertical tab in the coding", sent: post("Transfer-Encoding: \vchunked\r\n"+length(5), "0\r\n\r\n"+last), status: 400},
	{name: "NUL in the coding", sent: post("Transfer-Encoding: chunked\x00\r\n"+length(5), "0\r\n\r\n"+last), status: 400},
	{name: "coding in a folded line", sent: post("Transfer-Encoding:\r\n chunked\r\n"+length(5), "0\r\n\r\n"+last), status: 501},
	{name: "coding folded behind another header", sent: post("X: y\r\n Transfer-Encoding: chunked\r\n"+length(5), "0\r\n\r\n"+last), status: 400},
	{name: "coding behind a bare LF", sent: post("X: y\nTransfer-Encoding: chunked\r\n"+length(5), "0\r\n\r\n"+last), status: 400},
	{name: "coding behind a bare CR", sent: post("X: y\rTransfer-Encoding: chunked\r\n"+length(5), "0\r\n\r\n"+last), status: 400},
	{name: "disguised coding", sent: post("Transfer_Encoding: chunked\r\n"+length(5), "0\r\n\r\n"+last), status: 200, open: []string{"GET /last", "POST /a"}},
	{name: "coding in HTTP/1.0", sent: "POST /a HTTP/1.0\r\n" + host + chunkedTE + "\r\n0\r\n\r\n" + hidden, status: 400},
	{name: "coding and length in HTTP/1.0", sent: "POST /a HTTP/1.0\r\n" + host + "Connection: keep-alive\r\n" + chunkedTE + length(5) + "\r\n0\r\n\r\n" + last, status: 400},

	// Chunks that are not what they seem.
	{name: "chunk extension", sent: post(chunkedTE, "5;a=b\r\n12345\r\n0\r\n\r\n"+last), status: 400},
	{name: "chunk extension with LF in it", sent: post(chunkedTE, "0;\n"+hidden+"\r\n\r\n"), status: 400},
	{name: "chunk extension with CR in it", sent: post(chunkedTE, "5;a\rX\r\n12345\r\n0\r\n\r\n"+last), status: 400},
	{name: "chunk extension quotes a line end", sent: post(chunkedTE, "5;a=\"\r\n12345\"\r\n0\r\n\r\n"+last), status: 400},
	{name: "endless chunk extension", sent: post(chunkedTE, "5;"+strings.Repeat("a", 100_000)+"\r\n12345\r\n0\r\n\r\n"+last), status: 400},
	{name: "chunk size with LF alone", sent: post(chunkedTE, "5\n12345\r\n0\r\n\r\n"+last), status: 400},
	{name: "chunk data with LF alone", sent: post(chunkedTE, "5\r\n12345\n0\r\n\r\n"+last), status: 400},
	{name: "last chunk with LF alone", sent: post(chunkedTE, "0\n\n"+last), status: 400},
	{name: "chunk data longer than its size", sent: post(chunkedTE, "5\r\n123456789\r\n0\r\n\r\n"+last), status: 400},
	{name: "chunk data shorter than its size", sent: post(chunkedTE, "9\r\n12345\r\n0\r\n\r\n"+last), status: 400},
	{name: "chunk size of 64 bits and more", sent: post(chunkedTE, "10000000000000005\r\n12345\r\n0\r\n\r\n"+last), status: 400},
	{name: "chunk size that overflows to 5", sent: post(chunkedTE, "f0000000000000005\r\n12345\r\n0\r\n\r\n"+last), status: 400},
	{name: "negative chunk size", sent: post(chunkedTE, "-1\r\n12345\r\n0\r\n\r\n"+last), status: 400},
	{name: "chunk size with 0x", sent: post(chunkedTE, "0x5\r\n12345\r\n0\r\n\r\n"+last), status: 400},
	{name: "chunk size with a sign", sent: post(chunkedTE, "+5\r\n12345\r\n0\r\n\r\n"+last), status: 400},
	{name: "chunk size with underscores", sent: post(chunkedTE, "0_5\r\n12345\r\n0\r\n\r\n"+last), status: 400},
	{name: "chunk size of no digits", sent: post(chunkedTE, "\r\n12345\r\n0\r\n\r\n"+last), status: 400},
	{name: "space before a chunk's size", sent: post(chunkedTE, " 5\r\n12345\r\n0\r\n\r\n"+last), status: 400},
	{name: "many leading zeros", sent: post(chunkedTE, strings.Repeat("0", 40)+"5\r\n12345\r\n0\r\n\r\n"+last), status: 400},
	{name: "length as a trailer", sent: post(chunkedTE, "0\r\n"+length(len(last))+"\r\n"+last), status: 400},
	{name: "coding as a trailer", sent: post(chunkedTE, "0\r\n"+chunkedTE+"\r\n"+last), status: 400},
	{name: "forwarding as a trailer", sent: post(chunkedTE+"Trailer: X-Forwarded-For\r\n", "0\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n"+last), status: 400},
	{name: "trailer that is no header", sent: post(chunkedTE, "0\r\n"+hidden+"\r\n"+last), status: 400},
	{name: "trailer with LF alone", sent: post(chunkedTE, "0\r\nX: y\n\r\n"+last), status: 400},
	{name: "endless trailers", sent: post(chunkedTE, "0\r\n"+strings.Repeat("X: y\r\n", 100_000)+"\r\n"+last), status: 400},

	// Lines that end in other places than they seem to.
	{name: "bare LF after the request line", sent: "GET /a HTTP/1.1\n" + host + "\r\n" + last, status: 400},
	{name: "bare LF after a header", sent: "GET /a HTTP/1.1\r\nHost: web.test\nX: y\r\n\r\n" + last, status: 400},
	{name: "bare LF ends the head", sent: "GET /a HTTP/1.1\r\n" + host + "\n" + last, status: 400},
	{name: "LF alone everywhere", sent: "GET /a HTTP/1.1\nHost: web.test\n\n" + last, status: 400},
	{name: "bare CR in the request line", sent: "GET /a\rHTTP/1.1\r\n" + host + "\r\n" + last, status: 400},
	{name: "bare CR in a value", sent: "GET /a HTTP/1.1\r\n" + host + "X: y\r\rGET /hidden HTTP/1.1\r\n\r\n" + last, status: 400},
	{name: "CR CR LF", sent: "GET /a HTTP/1.1\r\n" + host + "X: y\r\r\n\r\n" + last, status: 400},
	{name: "NUL in a value", sent: "GET /a HTTP/1.1\r\n" + host + "X: y\x00z\r\n\r\n" + last, status: 400},
	{name: "NUL in a name", sent: "GET /a HTTP/1.1\r\n" + host + "X\x00: y\r\n\r\n" + last, status: 400},
	{name: "folded value", sent: "GET /a HTTP/1.1\r\n" + host + "X: y\r\n z\r\n\r\n" + last, status: 400},
	{name: "folded first header", sent: "GET /a HTTP/1.1\r\n " + host + "X: y\r\n\r\n" + last, status: 400},
	{name: "header without a colon", sent: "GET /a HTTP/1.1\r\n" + host + "X\r\n\r\n" + last, status: 400},
	{name: "header without a name", sent: "GET /a HTTP/1.1\r\n" + host + ": y\r\n\r\n" + last, status: 400},
	{name: "space in a name", sent: "GET /a HTTP/1.1\r\n" + host + "X Y: z\r\n\r\n" + last, status: 400},
	{name: "control character in a value", sent: "GET /a HTTP/1.1\r\n" + host + "X: \x01\r\n\r\n" + last, status: 400},
	{name: "name beyond ASCII", sent: "GET /a HTTP/1.1\r\n" + host + "Tr\xc3\xa4nsfer: y\r\n\r\n" + last, status: 400},

	// Request lines.
	{name: "no version", sent: "GET /a\r\n" + host + "\r\n" + last, status: 400},
	{name: "HTTP/0.9", sent: "GET /a HTTP/0.9\r\n" + host + "\r\n" + last, status: 505},
	{name: "HTTP/1.2", sent: "GET /a HTTP/1.2\r\n" + host + "\r\n" + last, status: 505},
	{name: "HTTP/2.0 without its preface", sent: "GET /a HTTP/2.0\r\n" + host + "\r\n" + last, status: 505},
	{name: "version in small letters", sent: "GET /a http/1.1\r\n" + host + "\r\n" + last, status: 400},
	{name: "version with a leading zero", sent: "GET /a HTTP/01.1\r\n" + host + "\r\n" + last, status: 400},
	{name: "two spaces", sent: "GET  /a HTTP/1.1\r\n" + host + "\r\n" + last, status: 400},
	{name: "tab for a space", sent: "GET\t/a HTTP/1.1\r\n" + host + "\r\n" + last, status: 400},
	{name: "space at the end", sent: "GET /a HTTP/1.1 \r\n" + host + "\r\n" + last, status: 400},
	{name: "space before the method", sent: " GET /a HTTP/1.1\r\n" + host + "\r\n" + last, status: 400},
	{name: "space in the target", sent: "GET /a b HTTP/1.1\r\n" + host + "\r\n" + last, status: 400},
	{name: "a request in the target", sent: "GET /a HTTP/1.1\\r\\nHost: x HTTP/1.1\r\n" + host + "\r\n" + last, status: 400},
	{name: "method that is no token", sent: "G(T /a HTTP/1.1\r\n" + host + "\r\n" + last, status: 400},
	{name: "no method", sent: " /a HTTP/1.1\r\n" + host + "\r\n" + last, status: 400},
	{name: "CONNECT", sent: "CONNECT web.test:80 HTTP/1.1\r\n" + host + "\r\n" + hidden, status: 405},
	{name: "several empty lines before", sent: "\r\n\r\n\r\nGET /a HTTP/1.1\r\n" + host + "\r\n" + last, status: 400},
	{name: "no HTTP at all", sent: "\x05\x01\x00hello\r\n\r\n", status: 400},

	// Whose host it is.
	{name: "two hosts", sent: "GET /a HTTP/1.1\r\n" + host + "Host: other.test\r\n\r\n" + last, status: 400},
	{name: "the same host twice", sent: "GET /a HTTP/1.1\r\n" + host + host + "\r\n" + last, status: 400},
	{name: "no host", sent: "GET /a HTTP/1.1\r\n\r\n" + last, status: 400},
	{name: "host with a space", sent: "GET /a HTTP/1.1\r\nHost: web.test evil\r\n\r\n" + last, status: 400},
	{name: "host with a user", sent: "GET /a HTTP/1.1\r\nHost: web.test@evil\r\n\r\n" + last, status: 400},
	{name: "host with a path", sent: "GET /a HTTP/1.1\r\nHost: web.test/x\r\n\r\n" + last, status: 400},
	{name: "host in a list", sent: "GET /a HTTP/1.1\r\nHost: web.test, evil\r\n\r\n" + last, status: 400},
	{name: "absolute target of another host", sent: "GET http://other.test/a HTTP/1.1\r\n" + host + "\r\n" + last, status: 400},
	{name: "absolute target of this host, another in the header", sent: "GET http://web.test/a HTTP/1.1\r\nHost: other.test\r\n\r\n" + last, status: 400},
	{name: "absolute target with a user", sent: "GET http://web.test@other.test/a HTTP/1.1\r\n" + host + "\r\n" + last, status: 400},
	{name: "absolute target of another scheme", sent: "GET ftp://web.test/a HTTP/1.1\r\n" + host + "\r\n" + last, status: 400},
	{name: "target without a slash", sent: "GET a HTTP/1.1\r\n" + host + "\r\n" + last, status: 400},

	// What is in order, but might have somebody read on in the wrong place.
	{name: "body of a GET", sent: "GET /a HTTP/1.1\r\n" + host + length(len(hidden)) + "\r\n" + hidden + last, status: 200, open: []string{"GET /a", "GET /last"}},
	{name: "Expect, and the body at once", sent: post("Expect: 100-continue\r\n"+length(len(hidden)), hidden+last), status: 200, open: []string{"GET /last", "POST /a"}},
	{name: "Expect without a body", sent: "GET /a HTTP/1.1\r\n" + host + "Expect: 100-continue\r\n\r\n" + last, status: 200, open: []string{"GET /a", "GET /last"}},
	{name: "Expect behind another word", sent: post("Expect: y 100-continue\r\n"+length(len(hidden)), hidden+last), status: 417},
	{name: "Expect in HTTP/1.0", sent: "POST /a HTTP/1.0\r\n" + host + "Connection: keep-alive\r\nExpect: 100-continue\r\n" + length(len(hidden)) + "\r\n" + hidden + last, status: 200, open: []string{"GET /last", "POST /a"}},
	{name: "upgrade that is not met", sent: "GET /a HTTP/1.1\r\n" + host + "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + last, status: 200, open: []string{"GET /a", "GET /last"}},
	{name: "upgrade with a body", sent: post("Connection: Upgrade\r\nUpgrade: websocket\r\n"+length(len(hidden)), hidden+last), status: 200, open: []string{"GET /last", "POST /a"}},
	{name: "upgrade to h2c", sent: "GET /a HTTP/1.1\r\n" + host + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n" + last, status: 200, open: []string{"GET /a", "GET /last"}},
	{name: "absolute target of this host", sent: "GET http://web.test/a HTTP/1.1\r\n" + host + "\r\n" + last, status: 200, open: []string{"GET /a", "GET /last"}},
	{name: "an empty line before", sent: "\r\nGET /a HTTP/1.1\r\n" + host + "\r\n" + last, status: 200, open: []string{"GET /a", "GET /last"}},
	{name: "HEAD, whose answer has no body", sent: "HEAD /a HTTP/1.1\r\n" + host + "\r\n" + last, status: 200, open: []string{"GET /last", "HEAD /a"}},

	// What else is not met.
	{name: "another Expect", sent: post("Expect: 200-ok\r\n"+length(0), last), status: 417},
	{name: "600 headers", sent: "GET /a HTTP/1.1\r\n" + host + strings.Repeat("X: y\r\n", 600) + "\r\n" + last, status: 431},
	{name: "Connection lists too much", sent: "GET /a HTTP/1.1\r\n" + host + "Connection: " + strings.Repeat("x,", 100) + "y\r\n\r\n" + last, status: 400},
}
