package edge

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"apron/proxy"
)

// abuses are requests whose end two readers find in different places: one sees /hidden where another sees a body or a header.
// Package proxy has them in full, and what an instance gets of each; here they come through the port.
func abuses() map[string]string {
	const (
		chunked = "Transfer-Encoding: chunked\r\n"
		hidden  = "GET /hidden HTTP/1.1\r\nHost: " + host + "\r\n\r\n"
	)
	post := func(headers, body string) string {
		return "POST /a HTTP/1.1\r\nHost: " + host + "\r\n" + headers + "\r\n" + body
	}
	return map[string]string{
		"CL.TE":                         post(fmt.Sprintf("Content-Length: %d\r\n", 5+len(hidden))+chunked, "0\r\n\r\n"+hidden),
		"TE.CL":                         post(chunked+"Content-Length: 4\r\n", "5c\r\n12345\r\n0\r\n\r\n"+hidden),
		"TE.TE":                         post(chunked+"Transfer-Encoding: x\r\n", "0\r\n\r\n"+hidden),
		"two equal lengths":             post("Content-Length: 0\r\nContent-Length: 0\r\n", hidden),
		"a coding behind a bare LF":     post("X: y\n"+chunked, "0\r\n\r\n"+hidden),
		"a length behind a bare LF":     post("X: y\nContent-Length: 0\r\n", hidden),
		"a coding in a folded line":     post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"+hidden),
		"a space before the colon":      post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"+hidden),
		"a coding in HTTP/1.0":          "POST /a HTTP/1.0\r\nHost: " + host + "\r\nConnection: keep-alive\r\n" + chunked + "\r\n0\r\n\r\n" + hidden,
		"a chunk extension":             post(chunked, "0;\n\r\n\r\n"+hidden),
		"two hosts":                     "GET /a HTTP/1.1\r\nHost: " + host + "\r\nHost: other\r\n\r\n" + hidden,
		"an absolute target's own host": "GET http://" + host + "/a HTTP/1.1\r\nHost: other\r\n\r\n" + hidden,
		"lines that end with LF":        strings.ReplaceAll(post("", hidden), "\r", ""),
	}
}

// TestAbuse_NothingHiddenPassesThePort in any of the ways that HTTP/1.x takes behind it: on the first request of a connection, and
// behind a good one.
func TestAbuse_NothingHiddenPassesThePort(t *testing.T) {
	secured := func(d *door, c net.Conn) net.Conn { return tls.Client(c, d.roots()) }
	plain := func(_ *door, c net.Conn) net.Conn { return c }
	for name, way := range map[string]struct {
		over     func(*door, net.Conn) net.Conn
		h2c      bool
		redirect bool
	}{
		"without TLS":                              {over: plain},
		"with TLS":                                 {over: secured},
		"to instances of HTTP/2":                   {over: plain, h2c: true},
		"with TLS to instances of HTTP/2":          {over: secured, h2c: true},
		"without TLS where https is redirected to": {over: plain, redirect: true},
	} {
		t.Run(name, func(t *testing.T) {
			got := &arrivals{}
			d := newDoor(t, got.note, func(c *Config) { c.Redirect = way.redirect })
			d.proxy.SetLimits("web", proxy.Limits{H2C: way.h2c})
			var group sync.WaitGroup
			for abuse, sent := range abuses() {
				for _, before := range []string{"", "GET /first HTTP/1.1\r\nHost: " + host + "\r\n\r\n"} {
					c := way.over(d, d.connect())
					group.Go(func() {
						_, _ = io.WriteString(c, before+sent)
						status, text := answerOf(c)
						if status == 0 || status >= 400 && len(text) < 12 {
							t.Errorf("%s, behind %d bytes: answered %d %q", abuse, len(before), status, text)
						}
					})
				}
			}
			group.Wait()
			if list := got.list(); slices.Contains(list, "/hidden") {
				t.Errorf("the instance got %q", list)
			}
		})
	}
}

// arrivals are the paths that an instance got.
type arrivals struct {
	mu    sync.Mutex
	paths []string
}

func (a *arrivals) note(_ http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.paths = append(a.paths, r.URL.Path)
}

func (a *arrivals) list() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.paths)
}

// answerOf reads what comes until the connection ends or is silent for five seconds, and returns the last answer in it.
func answerOf(c net.Conn) (status int, text string) {
	in := bufio.NewReader(c)
	for {
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			return status, text
		}
		body, _ := io.ReadAll(res.Body)
		status, text = res.StatusCode, string(body)
	}
}

// TestAbuse_HugeHeadsAreRefused on each way, in HTTP/1.x with a sentence: what a head may be is held for as long as it comes.
func TestAbuse_HugeHeadsAreRefused(t *testing.T) {
	d := newDoor(t, echo)
	big := strings.Repeat("a", 200<<10)
	for name, p := range map[string]struct {
		protocols *http.Protocols
		url       string
	}{
		"HTTP/1.1":           {protocols((*http.Protocols).SetHTTP1), "http://" + host},
		"HTTP/1.1 over TLS":  {protocols((*http.Protocols).SetHTTP1), "https://" + host},
		"HTTP/2":             {protocols((*http.Protocols).SetUnencryptedHTTP2), "http://" + host},
		"HTTP/2 over TLS":    {protocols((*http.Protocols).SetHTTP2), "https://" + host},
		"HTTP/1.1 to HTTP/2": {protocols((*http.Protocols).SetHTTP1), "http://" + host},
	} {
		d.proxy.SetLimits("web", proxy.Limits{H2C: strings.HasSuffix(name, "to HTTP/2")})
		client := d.client(p.protocols)
		for what, change := range map[string]func(*http.Request){
			"one header":   func(r *http.Request) { r.Header.Set("X", big) },
			"many headers": func(r *http.Request) { r.Header["X"] = strings.Split(strings.Repeat("12345,", 40_000), ",") },
			"the target":   func(r *http.Request) { r.URL.Path = "/" + big },
		} {
			r, err := http.NewRequestWithContext(t.Context(), "GET", p.url+"/", nil)
			if err != nil {
				t.Fatal(err)
			}
			change(r)
			res, err := client.Do(r)
			if strings.HasPrefix(name, "HTTP/2") && err != nil && r.Context().Err() == nil {
				continue // the client knows the limit, or the connection has ended with GOAWAY: its table of headers is lost
			}
			if err != nil {
				t.Errorf("%s, %s: %v", name, what, err)
				continue
			}
			text, _ := io.ReadAll(res.Body)
			res.Body.Close()
			if (res.StatusCode != 431 && res.StatusCode != 414) || len(text) < 12 {
				t.Errorf("%s, %s: %d %q", name, what, res.StatusCode, text)
			}
		}
	}
}

// TestAbuse_TricklingEnds: each byte that comes must not begin anew the time that a head has.
func TestAbuse_TricklingEnds(t *testing.T) {
	d := newDoor(t, echo, func(c *Config) { c.HeaderTimeout, c.IdleTimeout = 400*time.Millisecond, 400*time.Millisecond })
	head := "GET / HTTP/1.1\r\nHost: " + host + "\r\nX: "
	for name, c := range map[string]net.Conn{
		"a first head":           d.connect(),
		"a further head":         d.connect(),
		"a head over TLS":        tls.Client(d.connect(), d.roots()),
		"empty lines":            d.connect(),
		"HTTP/2's first frame":   d.connect(),
		"HTTP/2's header frames": d.connect(),
	} {
		begin, more := head, "a"
		switch name {
		case "a further head":
			begin = "GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n" + head
		case "empty lines":
			begin, more = "", "\r\n"
		case "HTTP/2's first frame":
			begin, more = preface+"\x00\x10\x00\x04\x00\x00\x00\x00\x00", "\x00"
		case "HTTP/2's header frames":
			begin = preface + "\x00\x00\x00\x04\x00\x00\x00\x00\x00" + "\x00\x00\x00\x01\x00\x00\x00\x00\x01"
			more = "\x00\x00\x05\x09\x00\x00\x00\x00\x01" + "\x00\x01a\x01b"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			go func() {
				_, err := io.WriteString(c, begin)
				for ; err == nil; time.Sleep(20 * time.Millisecond) {
					_, err = io.WriteString(c, more)
				}
			}()
			ended(t, c)
			c.Close()
		})
	}
}
