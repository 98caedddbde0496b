package awsjson

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"apron/api"
)

const describeBody = `{"ServiceArn":"` + testARN + `"}`

// signedHead is the head of a DescribeService with body as a client writes it, with one more line for each of extra.
func signedHead(t testing.TB, url, body string, extra ...string) string {
	t.Helper()
	r := newRequest(t, url, "DescribeService", body)
	if slices.Contains(extra, chunked) {
		r.ContentLength = -1 // or it is signed
		sign(t, r, body)
	}
	var head strings.Builder
	fmt.Fprintf(&head, "POST / HTTP/1.1\r\nHost: %s\r\n", r.URL.Host)
	if err := r.Header.Write(&head); err != nil {
		t.Fatal(err)
	}
	for _, line := range extra {
		head.WriteString(line + "\r\n")
	}
	return head.String() + "\r\n"
}

const chunked = "Transfer-Encoding: chunked"

func length(body string) string { return fmt.Sprintf("Content-Length: %d", len(body)) }

// chunks is body in chunks of n bytes.
func chunks(body string, n int) string {
	var b strings.Builder
	for len(body) > 0 {
		part := body[:min(n, len(body))]
		fmt.Fprintf(&b, "%x\r\n%s\r\n", len(part), part)
		body = body[len(part):]
	}
	return b.String() + "0\r\n\r\n"
}

// readReply reads one response whole.
func readReply(t testing.TB, from *bufio.Reader, method string) answer {
	t.Helper()
	response, err := http.ReadResponse(from, &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	h := response.Header
	return answer{response.StatusCode, h.Get("X-Amzn-ErrorType"), h.Get("x-amzn-RequestId"), string(body), h}
}

// How a request is cut into packets says nothing about what it means. Each is sent twice on one connection, so that
// whatever a body leaves behind would spoil the next.
func TestServer_TakesRequestsInAnyPieces(t *testing.T) {
	url, _ := start(t, Config{Actions: map[string]Handler{"DescribeService": Handle(echo)}})
	large := `{"ServiceArn":"` + testARN + `","Unknown":"` + strings.Repeat("x", 300_000) + `"}`
	whole := func(s string) []string { return []string{s} }
	tests := map[string]struct {
		pieces []string
		pause  time.Duration
	}{
		"one write":                  {pieces: whole(signedHead(t, url, describeBody, length(describeBody)) + describeBody)},
		"head, then body":            {pieces: []string{signedHead(t, url, describeBody, length(describeBody)), describeBody}, pause: 50 * time.Millisecond},
		"byte for byte":              {pieces: strings.Split(signedHead(t, url, describeBody, length(describeBody))+describeBody, "")},
		"body byte for byte":         {pieces: append(whole(signedHead(t, url, describeBody, length(describeBody))), strings.Split(describeBody, "")...), pause: time.Millisecond / 4},
		"large, in one write":        {pieces: whole(signedHead(t, url, large, length(large)) + large)},
		"large, head first":          {pieces: []string{signedHead(t, url, large, length(large)), large[:100_000], large[100_000:]}, pause: 20 * time.Millisecond},
		"one chunk":                  {pieces: whole(signedHead(t, url, describeBody, chunked) + chunks(describeBody, 1000))},
		"chunks of 7":                {pieces: []string{signedHead(t, url, describeBody, chunked), chunks(describeBody, 7)}, pause: 20 * time.Millisecond},
		"chunks with a trailer":      {pieces: whole(signedHead(t, url, describeBody, chunked) + "1\r\n{\r\n" + fmt.Sprintf("%x;a=b\r\n%s\r\n0\r\nX-Check: 1\r\n\r\n", len(describeBody)-1, describeBody[1:]))},
		"large, chunks of 1000":      {pieces: whole(signedHead(t, url, large, chunked) + chunks(large, 1000))},
		"lower-case names of header": {pieces: whole(strings.ReplaceAll(strings.ReplaceAll(signedHead(t, url, describeBody, length(describeBody)), "X-Amz-", "x-amz-"), "Content-", "content-") + describeBody)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			conn := dial(t, url)
			reader := bufio.NewReader(conn)
			for range 2 {
				writePieces(t, conn, tt.pieces, tt.pause)
				if a := readReply(t, reader, "POST"); a.status != 200 || !strings.Contains(a.body, testARN) {
					t.Fatalf("got %+v", a)
				}
			}
		})
	}
}

func dial(t testing.TB, url string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	return conn
}

func writePieces(t testing.TB, conn net.Conn, pieces []string, pause time.Duration) {
	t.Helper()
	for i, piece := range pieces {
		if i > 0 {
			time.Sleep(pause)
		}
		if _, err := io.WriteString(conn, piece); err != nil {
			t.Fatal(err)
		}
	}
}

func TestServer_AsksForABodyThatAwaits100Continue(t *testing.T) {
	url, _ := start(t, Config{Actions: map[string]Handler{"DescribeService": Handle(echo)}})
	conn := dial(t, url)
	reader := bufio.NewReader(conn)
	writePieces(t, conn, []string{signedHead(t, url, describeBody, length(describeBody), "Expect: 100-continue")}, 0)
	if line, err := reader.ReadString('\n'); err != nil || line != "HTTP/1.1 100 Continue\r\n" {
		t.Fatalf("got %q, %v", line, err)
	}
	reader.ReadString('\n')
	writePieces(t, conn, []string{describeBody}, 0)
	if a := readReply(t, reader, "POST"); a.status != 200 {
		t.Errorf("got %+v", a)
	}
}

// What is not the wire's is refused with a reason, and the connection serves on where its end could be told.
func TestServer_RefusesBodiesInWords(t *testing.T) {
	url, _ := start(t, Config{Actions: map[string]Handler{"DescribeService": Handle(echo)}})
	tests := map[string]struct {
		body string
		want string
	}{
		"no body at all":      {"", "Value null at 'serviceArn' failed to satisfy constraint: Member must not be null"},
		"another casing":      {`{"serviceArn":"` + testARN + `"}`, "Value null at 'serviceArn'"},
		"a byte order mark":   {"\ufeff" + describeBody, "begins with a byte order mark: send UTF-8 without one"},
		"a member twice":      {`{"ServiceArn":"a","ServiceArn":"b"}`, "has the same member twice"},
		"null":                {`null`, "must be an object, and is null"},
		"a null member":       {`{"ServiceArn":null}`, "Value null at 'serviceArn'"},
		"nested 100,000 deep": {strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000), "is not valid JSON: invalid character '[' exceeded max depth"},
		"nested 33 deep":      {`{"X":` + strings.Repeat("[", 33) + strings.Repeat("]", 33) + "}", "is nested more than 32 levels deep"},
		"cut off":             {describeBody[:20], "is not valid JSON: unexpected end of JSON input"},
		"UTF-16":              {"{\x00}\x00", "is not valid JSON"},
	}
	conn := dial(t, url)
	reader := bufio.NewReader(conn)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			writePieces(t, conn, []string{signedHead(t, url, tt.body, length(tt.body)) + tt.body}, 0)
			if a := readReply(t, reader, "POST"); a.status != 400 || !strings.Contains(a.body, tt.want) || a.requestID == "" {
				t.Errorf("got %+v", a)
			}
		})
	}
}

func TestServer_TakesAnyContentType(t *testing.T) {
	url, _ := start(t, Config{Actions: map[string]Handler{"DescribeService": Handle(echo)}})
	for _, contentType := range []string{"application/x-amz-json-1.0", "application/x-amz-json-1.1", "application/json; charset=utf-8", ""} {
		r := newRequest(t, url, "DescribeService", describeBody)
		r.Header.Del("Content-Type")
		if contentType != "" {
			r.Header.Set("Content-Type", contentType)
		}
		r.Header.Del("Authorization")
		sign(t, r, describeBody)
		if a := send(t, r); a.status != 200 || a.header.Get("Content-Type") != "application/x-amz-json-1.0" {
			t.Errorf("%q: got %+v", contentType, a)
		}
	}
}

func TestServer_GreetsAndNamesWhatItTakes(t *testing.T) {
	url, _ := start(t, Config{})
	conn := dial(t, url)
	reader := bufio.NewReader(conn)
	greets := string(greeting.body)
	tests := []struct {
		method, path, status, body, allow string
	}{
		{"GET", "/", "200", greets, ""},
		{"HEAD", "/", "200", "", ""},
		{"GET", "/?x=y", "200", greets, ""},
		{"PUT", "/", "405", "not PUT /.", "GET, HEAD, POST"},
		{"OPTIONS", "/", "405", "not OPTIONS /.", "GET, HEAD, POST"},
		{"GET", "/console", "404", "not GET /console.", ""},
		{"HEAD", "/console", "404", "", ""},
		{"POST", "/", "404", "has no X-Amz-Target header", ""},
	}
	for _, tt := range tests {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			writePieces(t, conn, []string{tt.method + " " + tt.path + " HTTP/1.1\r\nHost: x\r\nOrigin: http://localhost:3000\r\n\r\n"}, 0)
			a := readReply(t, reader, tt.method)
			if fmt.Sprint(a.status) != tt.status || !strings.Contains(a.body, tt.body) || (tt.body == "") != (a.body == "") {
				t.Errorf("got %d %s", a.status, a.body)
			}
			if a.requestID == "" || a.header.Get("Allow") != tt.allow || a.header.Get("Content-Length") == "0" {
				t.Errorf("got the header %v", a.header)
			}
			for name := range a.header {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("pages of other origins are told %s", name)
				}
			}
		})
	}
}

// pipes is a listener for clients of the same test bubble.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p pipes) Close() error   { close(p.closed); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

// slowly runs what a client does with its end of a connection to a server whose DescribeService answers with body, and
// returns once the server has let go of the connection.
func slowly(t *testing.T, body []byte, client func(net.Conn)) (held time.Duration) {
	describe := func(context.Context, api.Caller, []byte) (any, error) { return json.RawMessage(body), nil }
	listener := pipes{make(chan net.Conn), make(chan struct{})}
	server := &http.Server{Handler: New(Config{
		Log: slog.New(slog.DiscardHandler), Key: testKeys, Actions: map[string]Handler{"DescribeService": describe},
	})}
	served := make(chan error)
	go func() { served <- server.Serve(listener) }()
	began := time.Now()
	ours, theirs := net.Pipe()
	listener.conns <- theirs
	client(ours)
	held = time.Since(began)
	ours.Close()
	server.Close()
	<-served
	return held
}

func TestServer_GivesABodyHalfAMinute(t *testing.T) {
	// A greeting is no answer to a body; such a client finds its connection closed.
	for method, want := range map[string]string{"POST / ": "RequestTimeoutException", "POST /x ": "RequestTimeoutException", "GET / ": ""} {
		t.Run(method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				held := slowly(t, nil, func(conn net.Conn) {
					head := strings.Replace(signedHead(t, "http://x", describeBody, length(describeBody)), "POST / ", method, 1)
					io.WriteString(conn, head+describeBody[:10])
					all, err := io.ReadAll(conn)
					if err != nil || !strings.Contains(string(all), want) {
						t.Errorf("got %s, %v", all, err)
					}
				})
				if held < bodyLimit || held > bodyLimit+time.Second {
					t.Errorf("held for %s", held)
				}
			})
		})
	}
}

func TestServer_GivesAReplyHalfAMinute(t *testing.T) {
	for name, size := range map[string]int{"a small one": 10, "a large one": 200_000} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				body := []byte(`"` + strings.Repeat("x", size) + `"`)
				slowly(t, body, func(conn net.Conn) {
					io.WriteString(conn, signedHead(t, "http://x", describeBody, length(describeBody))+describeBody)
					time.Sleep(replyLimit + time.Second)
					if all, err := io.ReadAll(conn); err != nil || len(all) > 0 {
						t.Errorf("got %d bytes, %v", len(all), err)
					}
				})
			})
		})
	}
}
