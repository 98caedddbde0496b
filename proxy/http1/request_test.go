package http1

import (
	"bufio"
	"bytes"
	"errors"
	"net/http"
	"strings"
	"testing"
)

// parse reads a request as a connection would give it.
func parse(text string) (*Request, error) {
	b := []byte(text)
	end := End(b, 0)
	if end == 0 {
		return nil, errors.New("the head is not whole")
	}
	r := &Request{}
	return r, r.Parse(b[:end])
}

func status(err error) int {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Status
	}
	if err != nil {
		return -1
	}
	return 0
}

func TestRequest_WhatIsAmbiguousIsRefused(t *testing.T) {
	const line, host = "GET / HTTP/1.1\r\n", "Host: a.test\r\n"
	for name, c := range map[string]struct {
		text string
		want int
	}{
		"CL.TE":                        {"POST / HTTP/1.1\r\n" + host + "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n", 400},
		"TE.CL":                        {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n", 400},
		"CL.CL":                        {line + host + "Content-Length: 5\r\nContent-Length: 6\r\n", 400},
		"CL.CL, equal":                 {line + host + "Content-Length: 5\r\nContent-Length: 5\r\n", 400},
		"CL as a list":                 {line + host + "Content-Length: 5, 5\r\n", 400},
		"CL with sign":                 {line + host + "Content-Length: +5\r\n", 400},
		"CL negative":                  {line + host + "Content-Length: -1\r\n", 400},
		"CL hexadecimal":               {line + host + "Content-Length: 0x5\r\n", 400},
		"CL with underscores":          {line + host + "Content-Length: 1_0\r\n", 400},
		"CL empty":                     {line + host + "Content-Length:\r\n", 400},
		"CL beyond int64":              {line + host + "Content-Length: 99999999999999999999\r\n", 400},
		"TE.TE, two headers":           {line + host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 501},
		"TE.TE, second is nonsense":    {line + host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n", 501},
		"TE list":                      {line + host + "Transfer-Encoding: gzip, chunked\r\n", 501},
		"TE chunked not last":          {line + host + "Transfer-Encoding: chunked, identity\r\n", 501},
		"TE identity":                  {line + host + "Transfer-Encoding: identity\r\n", 501},
		"TE empty":                     {line + host + "Transfer-Encoding:\r\n", 501},
		"TE quoted":                    {line + host + "Transfer-Encoding: \"chunked\"\r\n", 501},
		"TE with parameter":            {line + host + "Transfer-Encoding: chunked;q=1\r\n", 501},
		"TE with vertical tab":         {line + host + "Transfer-Encoding: \x0bchunked\r\n", 400},
		"TE of HTTP/1.0":               {"POST / HTTP/1.0\r\n" + host + "Transfer-Encoding: chunked\r\n", 400},
		"space before the colon":       {line + host + "Transfer-Encoding : chunked\r\n", 400},
		"tab before the colon":         {line + host + "Content-Length\t: 5\r\n", 400},
		"space before the name":        {line + host + " Content-Length: 5\r\n", 400},
		"obs-fold":                     {line + host + "X: a\r\n b\r\n", 400},
		"obs-fold at once":             {line + " " + host, 400},
		"bare LF between fields":       {line + "X: a\n" + host, 400},
		"bare LF of the request line":  {"GET / HTTP/1.1\n" + host, 400},
		"bare CR in a value":           {line + host + "X: a\rTransfer-Encoding: chunked\r\n", 400},
		"bare CR before CR LF":         {line + host + "X: a\r\r\n", 400},
		"NUL in a value":               {line + host + "X: a\x00b\r\n", 400},
		"control in a value":           {line + host + "X: a\x01b\r\n", 400},
		"DEL in a value":               {line + host + "X: a\x7fb\r\n", 400},
		"NUL in a name":                {line + host + "X\x00: a\r\n", 400},
		"name beyond ASCII":            {line + host + "X\xc3\xa4: a\r\n", 400},
		"no name":                      {line + host + ": a\r\n", 400},
		"no colon":                     {line + host + "X a\r\n", 400},
		"no Host":                      {line, 400},
		"two Hosts":                    {line + host + "Host: b.test\r\n", 400},
		"two equal Hosts":              {line + host + host, 400},
		"empty Host":                   {line + "Host:\r\n", 400},
		"Host with path":               {line + "Host: a.test/x\r\n", 400},
		"Host with user":               {line + "Host: x@a.test\r\n", 400},
		"Host list":                    {line + "Host: a.test, b.test\r\n", 400},
		"Host with space":              {line + "Host: a.test b.test\r\n", 400},
		"Host with bad port":           {line + "Host: a.test:80a\r\n", 400},
		"Host with two ports":          {line + "Host: a.test:80:80\r\n", 400},
		"Host with port out of range":  {line + "Host: a.test:65536\r\n", 400},
		"Host with open bracket":       {line + "Host: [::1\r\n", 400},
		"Host with name in brackets":   {line + "Host: [a.test]\r\n", 400},
		"Host beyond ASCII":            {line + "Host: \xe4.test\r\n", 400},
		"target of another host":       {"GET http://b.test/ HTTP/1.1\r\n" + host, 400},
		"target with user":             {"GET http://x@a.test/ HTTP/1.1\r\n" + host, 400},
		"target of another scheme":     {"GET ftp://a.test/ HTTP/1.1\r\n" + host, 400},
		"target without slash":         {"GET x HTTP/1.1\r\n" + host, 400},
		"target with space":            {"GET /a b HTTP/1.1\r\n" + host, 400},
		"target with tab":              {"GET /a\tb HTTP/1.1\r\n" + host, 400},
		"target with fragment":         {"GET /a#b HTTP/1.1\r\n" + host, 400},
		"asterisk with GET":            {"GET * HTTP/1.1\r\n" + host, 400},
		"no target":                    {"GET  HTTP/1.1\r\n" + host, 400},
		"no version":                   {"GET /\r\n" + host, 400},
		"two spaces":                   {"GET /  HTTP/1.1\r\n" + host, 400},
		"space after the version":      {"GET / HTTP/1.1 \r\n" + host, 400},
		"space before the method":      {" GET / HTTP/1.1\r\n" + host, 400},
		"method with colon":            {"GET: / HTTP/1.1\r\n" + host, 400},
		"lower-case version":           {"GET / http/1.1\r\n" + host, 400},
		"long version":                 {"GET / HTTP/1.10\r\n" + host, 400},
		"HTTP/2":                       {"PRI * HTTP/2.0\r\n", 505},
		"HTTP/1.2":                     {"GET / HTTP/1.2\r\n" + host, 505},
		"two empty lines before":       {"\r\n\r\n" + line + host, 400},
		"TLS":                          {"\x16\x03\x01\x02\x00\x01\n\n", 400},
		"Expect of something else":     {line + host + "Expect: a-miracle\r\n", 417},
		"Upgrade to no protocol":       {line + host + "Connection: upgrade\r\nUpgrade: \xff\r\n", 400},
		"Upgrade to nothing":           {line + host + "Connection: upgrade\r\nUpgrade:\r\n", 400},
		"two Upgrades":                 {line + host + "Connection: upgrade\r\nUpgrade: a\r\nUpgrade: b\r\n", 400},
		"Connection with a space":      {line + host + "Connection: a b\r\n", 400},
		"Connection of a whole crowd":  {line + host + "Connection: " + strings.Repeat("a,", 40) + "\r\n", 400},
		"more headers than are looked": {line + host + strings.Repeat("X: y\r\n", 600), 431},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parse(c.text + "\r\n"); status(err) != c.want {
				t.Errorf("got %v, want %d", err, c.want)
			}
		})
	}
}

func TestRequest_WhatIsInOrderIsRead(t *testing.T) {
	for text, want := range map[string]Request{
		"GET / HTTP/1.1\r\nHost: a.test\r\n":                                             {Head: Head{Minor: 1, Length: -1, KeepAlive: true}},
		"\r\nGET / HTTP/1.1\r\nHost: a.test\r\n":                                         {Head: Head{Minor: 1, Length: -1, KeepAlive: true}},
		"GET / HTTP/1.0\r\nHost: a.test\r\n":                                             {Head: Head{Length: -1}},
		"GET / HTTP/1.0\r\nHost: a.test\r\nConnection: Keep-Alive\r\n":                   {Head: Head{Length: -1, KeepAlive: true}},
		"GET / HTTP/1.1\r\nHost: a.test\r\nConnection: keep-alive, Close\r\n":            {Head: Head{Minor: 1, Length: -1}},
		"GET / HTTP/1.1\r\nHost: a.test\r\nConnection: x\r\nConnection: close\r\n":       {Head: Head{Minor: 1, Length: -1}},
		"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 007\r\n":                     {Head: Head{Minor: 1, Length: 7, KeepAlive: true}},
		"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\nExpect: 100-Continue":   {Head: Head{Minor: 1, Length: 3, KeepAlive: true}, Continue: true},
		"GET / HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\n":                     {Head: Head{Minor: 1, Length: -1, KeepAlive: true}},
		"POST / HTTP/1.0\r\nHost: a.test\r\nContent-Length: 3\r\nExpect: 100-continue":   {Head: Head{Length: 3}},
		"POST / HTTP/1.1\r\nHost: a.test\r\ntransfer-ENCODING: \t Chunked \r\n":          {Head: Head{Minor: 1, Length: -1, Chunked: true, KeepAlive: true}},
		"GET / HTTP/1.1\r\nhost:a.test\r\nContent_Length: 5\r\nTransfer_Encoding: x\r\n": {Head: Head{Minor: 1, Length: -1, KeepAlive: true}},
	} {
		got, err := parse(strings.TrimSuffix(text, "\r\n") + "\r\n\r\n")
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got.Minor != want.Minor || got.Length != want.Length || got.Chunked != want.Chunked ||
			got.KeepAlive != want.KeepAlive || got.Continue != want.Continue {
			t.Errorf("%q: got %+v", text, got)
		}
	}
}

func TestRequest_TargetAndHost(t *testing.T) {
	for text, want := range map[string][2]string{
		"GET /a%2Fb|c?x=1 HTTP/1.1\r\nHost: a.test:80":        {"/a%2Fb|c?x=1", "a.test:80"},
		"GET //b.test/x HTTP/1.1\r\nHost: a.test":             {"//b.test/x", "a.test"},
		"GET http://a.test/x?y HTTP/1.1\r\nHost: A.test":      {"/x?y", "a.test"},
		"GET HTTPS://a.test?y HTTP/1.1\r\nHost: a.test":       {"?y", "a.test"},
		"OPTIONS * HTTP/1.1\r\nHost: a.test":                  {"*", "a.test"},
		"GET /\xc3\xa4 HTTP/1.1\r\nHost: [::1]:8080":          {"/\xc3\xa4", "[::1]:8080"},
		"GET / HTTP/1.1\r\nHost: a_b.test.":                   {"/", "a_b.test."},
		"GET http://a.test/x HTTP/1.0\r\nX: y":                {"/x", "a.test"},
		"CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443":     {"a.test:443", "a.test:443"},
		"GET /x HTTP/1.1\r\nConnection: host\r\nHost: a.test": {"/x", "a.test"},
	} {
		b := []byte(text + "\r\n\r\n")
		var r Request
		if err := r.Parse(b); err != nil {
			t.Errorf("%q: %v", text, err)
		} else if got := [2]string{string(r.Target.Of(b)), string(r.Host.Of(b))}; got != want {
			t.Errorf("%q: got %q", text, got)
		}
	}
}

func TestFields_KnowWhatIsNotPassedOn(t *testing.T) {
	const text = "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: X-Hop, host, x-forwarded-for\r\nX-HOP: 1\r\nX-End: 2\r\n" +
		"X_Forwarded_For: 6.6.6.6\r\nX-Forwarded-For: 6.6.6.6\r\nKeep-Alive: 1\r\nTE: trailers\r\nTransfer_Encoding: x\r\n\r\n"
	b := []byte(text)
	var r Request
	if err := r.Parse(b); err != nil {
		t.Fatal(err)
	}
	var kept []string
	for _, f := range r.Fields {
		if !f.Kind.Private() {
			kept = append(kept, string(f.Name.Of(b)))
		}
	}
	if got := strings.Join(kept, " "); got != "Host X-End X-Forwarded-For" {
		t.Errorf("kept %s", got)
	}
}

func TestEnd_IsFoundHoweverTheHeadComes(t *testing.T) {
	text := []byte("GET / HTTP/1.1\r\nHost: a.test\r\n\r\nrest")
	want := len(text) - len("rest")
	for cut := range text {
		if got := End(text[:cut], 0); got != 0 && cut < want {
			t.Errorf("found at %d of %d bytes", got, cut)
		}
		if got := End(text, cut); cut < want && got != want {
			t.Errorf("seen %d: end %d, want %d", cut, got, want)
		}
	}
	if got := End([]byte("GET / HTTP/1.1\n\nrest"), 0); got != 16 {
		t.Errorf("bare LF: %d", got)
	}
}

// browser is the head that a browser sends.
const browser = "GET /path/to/it?with=query HTTP/1.1\r\nHost: web.test\r\nConnection: keep-alive\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36\r\n" +
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n" +
	"Accept-Encoding: gzip, deflate, br\r\nAccept-Language: en-GB,en;q=0.9\r\nCookie: session=0123456789abcdef0123456789abcdef\r\n\r\n"

func TestParse_AllocatesNothing(t *testing.T) {
	b, answer := []byte(browser), []byte("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok")
	r, res := Request{Head: Head{Fields: make([]Field, 0, 32)}}, Response{Head: Head{Fields: make([]Field, 0, 32)}}
	if n := testing.AllocsPerRun(100, func() {
		if r.Parse(b) != nil || res.Parse(answer[:len(answer)-2]) != nil {
			t.Error("refused")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkRequest(b *testing.B) {
	head := []byte(browser)
	var r Request
	b.SetBytes(int64(len(head)))
	b.ReportAllocs()
	for b.Loop() {
		if End(head, 0) == 0 || r.Parse(head) != nil {
			b.Fatal("refused")
		}
	}
}

// FuzzRequest holds the parser against net/http's: what both take they read alike, and what is taken here has a form
// that no reader could take for two requests.
func FuzzRequest(f *testing.F) {
	for _, text := range []string{
		browser,
		"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\n",
		"POST http://a.test/x HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\nConnection: close, X\r\nX: 1\r\n\r\n",
		"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\nExpect: 100-continue\r\n\r\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		end := End(b, 0)
		if end == 0 {
			return
		}
		var r Request
		err := r.Parse(b[:end])
		if err != nil {
			if s := status(err); s < 400 || s > 505 {
				t.Errorf("refused with %v", err)
			}
			return
		}
		if r.Size != end {
			t.Errorf("size %d, end %d", r.Size, end)
		}
		theirs, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(bytes.TrimPrefix(b[:end], []byte("\r\n")))))
		if err != nil {
			return
		}
		if string(r.Method.Of(b)) != theirs.Method || !sameFold(r.Host.Of(b), []byte(theirs.Host)) && r.Host.Len() > 0 {
			t.Errorf("%s %s, net/http %s %s", r.Method.Of(b), r.Host.Of(b), theirs.Method, theirs.Host)
		}
		if chunked := len(theirs.TransferEncoding) > 0; chunked != r.Chunked {
			t.Errorf("chunked %v, net/http %v", r.Chunked, theirs.TransferEncoding)
		}
		if !r.Chunked && max(r.Length, 0) != theirs.ContentLength {
			t.Errorf("length %d, net/http %d", r.Length, theirs.ContentLength)
		}
		if r.KeepAlive == theirs.Close && r.Minor == 1 {
			t.Errorf("keep-alive %v, net/http close %v", r.KeepAlive, theirs.Close)
		}
		for _, field := range r.Fields {
			value := field.Value.Of(b)
			if bytes.ContainsAny(value, "\r\n\x00") || !isToken(field.Name.Of(b)) {
				t.Errorf("field %q: %q", field.Name.Of(b), value)
			}
		}
	})
}
