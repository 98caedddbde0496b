package proxy

import (
	"bytes"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// stream is what a client of HTTP/2 sends on one: header fields, each "name: value" with names and values as they are, a body in
// pieces, and trailers. open leaves it without an end.
type stream struct {
	fields, trailers []string
	data             []string
	open             bool
}

func (s stream) send(f *http2.Framer, id uint32) {
	last := len(s.data) == 0 && s.trailers == nil && !s.open
	_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block(s.fields), EndStream: last, EndHeaders: true})
	for i, d := range s.data {
		_ = f.WriteData(id, i == len(s.data)-1 && s.trailers == nil && !s.open, []byte(d))
	}
	if s.trailers != nil {
		_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block(s.trailers), EndStream: true, EndHeaders: true})
	}
}

func block(fields []string) []byte {
	var b bytes.Buffer
	e := hpack.NewEncoder(&b)
	e.SetMaxDynamicTableSize(0)
	for _, f := range fields {
		i := strings.Index(f[1:], ": ") + 1 // past the colon of a pseudo-header
		_ = e.WriteField(hpack.HeaderField{Name: f[:i], Value: f[i+2:]})
	}
	return b.Bytes()
}

// get2 is a good request for the path, with more fields.
func get2(path string, more ...string) []string {
	return append([]string{":method: GET", ":scheme: http", ":authority: web.test", ":path: " + path}, more...)
}

func post2(more ...string) []string {
	return append([]string{":method: POST", ":scheme: http", ":authority: web.test", ":path: /a"}, more...)
}

// over2 sends the streams on one connection and returns the status of each: 0 for one that was reset, or whose connection was
// ended, before it had one.
func (s *scene) over2(t *testing.T, streams ...stream) []int {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	_, _ = io.WriteString(c, http2.ClientPreface)
	f := http2.NewFramer(c, c)
	f.AllowIllegalWrites = true
	f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	_ = f.WriteSettings()
	statuses := make([]int, len(streams))
	for i, one := range streams {
		id := uint32(2*i + 1)
		one.send(f, id)
		for ended := false; !ended; {
			frame, err := f.ReadFrame()
			if err != nil {
				return statuses
			}
			ended = note(frame, id, &statuses[i])
		}
	}
	return statuses
}

// note takes up what a frame says of the stream, and reports whether that is its end.
func note(frame http2.Frame, id uint32, status *int) (ended bool) {
	switch f := frame.(type) {
	case *http2.MetaHeadersFrame:
		for _, field := range f.PseudoFields() {
			for *status = 0; field.Name == ":status" && len(field.Value) > 0; field.Value = field.Value[1:] {
				*status = 10**status + int(field.Value[0]-'0')
			}
		}
		return f.StreamID == id && f.StreamEnded()
	case *http2.DataFrame:
		return f.StreamID == id && f.StreamEnded()
	case *http2.RSTStreamFrame:
		return f.StreamID == id
	}
	return false
}

// TestAbuse_HTTP2CarriesNoSecondRequest sends what would be two requests, or other headers, if it were written down as HTTP/1.1,
// and then a good request.
func TestAbuse_HTTP2CarriesNoSecondRequest(t *testing.T) {
	const inject = " HTTP/1.1\r\nHost: web.test\r\n\r\nGET /hidden HTTP/1.1\r\nX: "
	for name, c := range map[string]struct {
		stream
		got string // what the instance may have got; "" for nothing
	}{
		"a request in the path":             {stream{fields: get2("/a" + inject)}, ""},
		"a request in the path, with LF":    {stream{fields: get2("/a" + strings.ReplaceAll(inject, "\r", ""))}, ""},
		"a request in the query":            {stream{fields: get2("/?a HTTP/1.1")}, ""},
		"a space in the path":               {stream{fields: get2("/a b")}, ""},
		"NUL in the path":                   {stream{fields: get2("/a\x00b")}, ""},
		"a path without a slash":            {stream{fields: get2("a")}, ""},
		"a path that is another host's":     {stream{fields: get2("http://other.test/a")}, ""},
		"no path":                           {stream{fields: []string{":method: GET", ":scheme: http", ":authority: web.test"}}, ""},
		"an empty path":                     {stream{fields: get2("")}, ""},
		"two paths":                         {stream{fields: get2("/a", ":path: /b")}, ""},
		"a request in the method":           {stream{fields: []string{":method: GET /hidden HTTP/1.1\r\nHost: web.test\r\n\r\nGET", ":scheme: http", ":authority: web.test", ":path: /a"}}, ""},
		"a space in the method":             {stream{fields: []string{":method: GET /hidden", ":scheme: http", ":authority: web.test", ":path: /a"}}, ""},
		"a request in the host":             {stream{fields: []string{":method: GET", ":scheme: http", ":authority: web.test\r\n\r\nGET /hidden HTTP/1.1\r\nHost: web.test", ":path: /a"}}, ""},
		"a user in the host":                {stream{fields: []string{":method: GET", ":scheme: http", ":authority: other@web.test", ":path: /a"}}, ""},
		"a path in the host":                {stream{fields: []string{":method: GET", ":scheme: http", ":authority: web.test/x", ":path: /a"}}, ""},
		"another host beside the authority": {stream{fields: get2("/a", "host: other.test")}, "GET /a"},
		"a request in the scheme":           {stream{fields: []string{":method: GET", ":scheme: http://web.test/hidden HTTP/1.1\r\nX: y", ":authority: web.test", ":path: /a"}}, ""},
		"a header in a value":               {stream{fields: get2("/a", "x: y\r\nx-forwarded-for: 1.2.3.4")}, ""},
		"a request in a value":              {stream{fields: get2("/a", "x: y\r\n\r\nGET /hidden HTTP/1.1\r\nHost: web.test")}, ""},
		"LF in a value":                     {stream{fields: get2("/a", "x: y\nz: 1")}, ""},
		"CR in a value":                     {stream{fields: get2("/a", "x: y\rz: 1")}, ""},
		"NUL in a value":                    {stream{fields: get2("/a", "x: y\x00")}, ""},
		"a header in a name":                {stream{fields: get2("/a", "x: y\r\nz", "x\r\nz: 1")}, ""},
		"a colon in a name":                 {stream{fields: get2("/a", "transfer-encoding:: chunked")}, ""},
		"a space in a name":                 {stream{fields: get2("/a", "transfer-encoding : chunked")}, ""},
		"capitals in a name":                {stream{fields: get2("/a", "X-Capital: 1")}, ""},
		"a pseudo-header behind headers":    {stream{fields: []string{":method: GET", ":scheme: http", "x: y", ":authority: web.test", ":path: /a"}}, ""},
		"an unknown pseudo-header":          {stream{fields: append([]string{":x: y"}, get2("/a")...)}, ""},
		"transfer-encoding":                 {stream{fields: post2("transfer-encoding: chunked"), data: []string{"0\r\n\r\n" + hidden}}, ""},
		"transfer-encoding and length":      {stream{fields: post2("transfer-encoding: chunked", "content-length: 5"), data: []string{"0\r\n\r\n" + hidden}}, ""},
		"disguised transfer-encoding":       {stream{fields: post2("transfer_encoding: chunked"), data: []string{"0\r\n\r\n" + hidden}}, "POST /a"},
		"connection":                        {stream{fields: get2("/a", "connection: x-forwarded-for")}, ""},
		"keep-alive":                        {stream{fields: get2("/a", "keep-alive: timeout=5")}, ""},
		"upgrade":                           {stream{fields: get2("/a", "upgrade: websocket")}, ""},
		"te other than trailers":            {stream{fields: get2("/a", "te: gzip")}, ""},
		"less than its length says":         {stream{fields: post2("content-length: 100"), data: []string{"12345"}}, "POST /a"},
		"more than its length says":         {stream{fields: post2("content-length: 5"), data: []string{"12345" + hidden}}, "POST /a"},
		"more than no length":               {stream{fields: post2("content-length: 0"), data: []string{hidden}}, "POST /a"},
		"two lengths":                       {stream{fields: post2("content-length: 0", "content-length: 68"), data: []string{hidden}}, "POST /a"},
		"a length that is none":             {stream{fields: post2("content-length: 5x"), data: []string{"12345" + hidden}}, "POST /a"},
		"a negative length":                 {stream{fields: post2("content-length: -1"), data: []string{"12345" + hidden}}, "POST /a"},
		"chunks as the body":                {stream{fields: post2(), data: []string{"0\r\n\r\n", hidden}}, "POST /a"},
		"a pseudo-header as a trailer":      {stream{fields: post2("trailer: x"), data: []string{"1"}, trailers: []string{":path: /hidden"}}, "POST /a"},
		"a request in a trailer":            {stream{fields: post2("trailer: x"), data: []string{"1"}, trailers: []string{"x: y\r\n\r\nGET /hidden HTTP/1.1\r\nHost: web.test\r\n"}}, "POST /a"},
		"framing as a trailer":              {stream{fields: post2("trailer: transfer-encoding, content-length, x"), data: []string{"1"}, trailers: []string{"transfer-encoding: chunked"}}, "POST /a"},
		"claims as a trailer":               {stream{fields: post2("trailer: x-forwarded-for, x_forwarded_for, x"), data: []string{"1"}, trailers: []string{"x-forwarded-for: 1.2.3.4", "x_forwarded_for: 1.2.3.4", "x: y"}}, "POST /a"},
		"CONNECT":                           {stream{fields: []string{":method: CONNECT", ":authority: web.test"}, data: []string{hidden}}, ""},
		"extended CONNECT":                  {stream{fields: []string{":method: CONNECT", ":protocol: websocket", ":scheme: http", ":authority: web.test", ":path: /a"}, open: true}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, netHTTP)
			statuses := s.over2(t, c.stream)
			if good := s.over2(t, stream{fields: get2("/good")}); good[0] != 200 {
				t.Errorf("a good request after it: %d", good[0])
			}
			eventually(t, "requests ended", func() bool { return s.InFlight("web") == 0 })
			s.everyReading(t, name)
			got := slices.DeleteFunc(readings[0].all(s.got()), func(r string) bool { return r == "GET /good" })
			if len(got) > 1 || len(got) == 1 && got[0] != c.got {
				t.Errorf("status %d, and the instance got %q:\n%q", statuses[0], got, s.got())
			}
			if c.got == "" && statuses[0] == 200 {
				t.Errorf("status 200")
			}
			if all := string(bytes.Join(s.got(), nil)); strings.Contains(all, "1.2.3.4") || strings.Contains(all, "other") {
				t.Errorf("status %d, and the instance believes:\n%q", statuses[0], s.got())
			}
		})
	}
}

// TestAbuse_BrokenBodiesDoNotEnd: an instance must not take half a body for a whole one.
func TestAbuse_BrokenBodiesDoNotEnd(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		for name, sent := range map[string]string{
			"chunks that break off": post(chunkedTE, "5\r\n12345\r\n"),
			"chunks that go wrong":  post(chunkedTE, "5\r\n12345\r\nx\r\n"),
			"half a body":           post(length(99), "12345"),
		} {
			s := newScene(t, via)
			c, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.WriteString(c, sent)
			eventually(t, "the instance has the body's beginning", func() bool {
				return strings.Contains(string(bytes.Join(s.got(), nil)), "12345") || s.InFlight("web") == 0
			})
			c.Close()
			s.unfinished(t, name)
		}
	})
	s := newScene(t, netHTTP)
	s.over2(t, stream{fields: post2(), data: []string{"12345"}, open: true}, stream{fields: get2("/good")})
	s.unfinished(t, "a stream without an end")
}

func (s *scene) unfinished(t *testing.T, what string) {
	t.Helper()
	eventually(t, what+": the request ended", func() bool { return s.InFlight("web") == 0 })
	for _, got := range s.got() {
		if bytes.Contains(got, []byte("\r\n0\r\n\r\n")) {
			t.Errorf("%s: the instance got %q", what, got)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Contains(s.whole, "POST /a") {
		t.Errorf("%s: it was answered", what)
	}
}
