package proxy

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// newEdge2 is an edge whose clients speak HTTP/2.
func newEdge2(t *testing.T, change ...func(*Config)) *edge {
	e := newEdge(t, netHTTP, change...)
	transport := &http.Transport{Protocols: &http.Protocols{}}
	transport.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(transport.CloseIdleConnections)
	e.Client.Transport = transport
	return e
}

func TestHTTP2_ConversationPassesPieceByPieceWithItsTrailers(t *testing.T) {
	for _, h2c := range []bool{false, true} {
		e := newEdge2(t)
		instance := func(w http.ResponseWriter, r *http.Request) {
			rc := http.NewResponseController(w)
			_ = rc.EnableFullDuplex() // of HTTP/1.1 alone
			w.Header().Set("Trailer", "X-Sum")
			lines := bufio.NewScanner(r.Body)
			for lines.Scan() {
				io.WriteString(w, "got "+lines.Text()+"\n")
				rc.Flush()
			}
			w.Header().Set("X-Sum", r.Trailer.Get("X-Check"))
		}
		if h2c {
			e.http2Instance("i1", instance)
			e.SetLimits("web", Limits{H2C: true})
		} else {
			e.backend("i1", instance)
		}
		e.open("i1")
		body, client := io.Pipe()
		r := e.request("POST", "/", body)
		r.Trailer = http.Header{"X-Check": nil}
		go io.WriteString(client, "one\n")
		res, err := e.Client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer := bufio.NewReader(res.Body)
		if line, err := answer.ReadString('\n'); line != "got one\n" {
			t.Fatalf("got %q, %v", line, err)
		}
		io.WriteString(client, "two\n")
		if line, err := answer.ReadString('\n'); line != "got two\n" {
			t.Fatalf("got %q, %v", line, err)
		}
		r.Trailer.Set("X-Check", "sum")
		client.Close()
		io.Copy(io.Discard, answer)
		if got := res.Trailer.Get("X-Sum"); res.ProtoMajor != 2 || got != "sum" {
			t.Errorf("%s, h2c %v: trailer %q", res.Proto, h2c, got)
		}
		res.Body.Close()
	}
}

// What fails one request must not cost the others on its connection anything.
func TestHTTP2_FailureEndsItsStreamAlone(t *testing.T) {
	e := newEdge2(t, func(c *Config) { c.BodyIdle = 200 * time.Millisecond })
	release := make(chan struct{})
	e.backend("i1", func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/long":
			http.NewResponseController(w).Flush()
			<-release
			io.WriteString(w, "whole")
		case "/half":
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, "half")
			http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		default:
			io.Copy(io.Discard, r.Body)
		}
	})
	e.SetLimits("web", Limits{BodyLimit: 10})
	e.open("i1")
	long, err := e.Client.Do(e.request("GET", "/long", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer long.Body.Close()
	if res, _ := e.do(e.request("POST", "/", strings.NewReader("01234567890"))); res.StatusCode != 413 {
		t.Errorf("too long a body: %d", res.StatusCode)
	}
	stalled, client := io.Pipe()
	defer client.Close()
	if res, _ := e.do(e.request("POST", "/", stalled)); res.StatusCode != 408 {
		t.Errorf("a body that stalls: %d", res.StatusCode)
	}
	res, err := e.Client.Do(e.request("GET", "/half", nil))
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(res.Body); err == nil {
		t.Errorf("the client takes %q for a whole answer", body)
	}
	res.Body.Close()
	close(release)
	if body, err := io.ReadAll(long.Body); string(body) != "whole" || err != nil {
		t.Errorf("the other stream got %q, %v", body, err)
	}
}

func TestHTTP2_WithdrawCutsAStreamAtItsDeadline(t *testing.T) {
	e := newEdge2(t)
	var cancelled atomic.Bool
	e.backend("i1", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "begin")
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
		cancelled.Store(true)
	})
	e.open("i1")
	res, err := e.Client.Do(e.request("GET", "/", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := e.Withdraw(ctx, "web"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Withdraw: %v", err)
	}
	if body, err := io.ReadAll(res.Body); string(body) != "begin" || err == nil {
		t.Errorf("got %q, %v", body, err)
	}
	eventually(t, "the instance's request is cancelled", cancelled.Load)
}

func TestHTTP2_ClientThatResetsItsStreamIsNoError(t *testing.T) {
	e := newEdge2(t)
	started := make(chan struct{})
	e.backend("i1", func(w http.ResponseWriter, r *http.Request) {
		close(started)
		<-r.Context().Done()
	})
	e.open("i1")
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-started; cancel() }()
	if _, err := e.Client.Do(e.request("GET", "/", nil).WithContext(ctx)); err == nil {
		t.Fatal("answered")
	}
	eventually(t, "it is counted as 499", func() bool { return e.Stats("web").ClientGone == 1 })
	if log := e.Logged.String(); log != "" {
		t.Errorf("logged: %s", log)
	}
}

func TestHTTP2_UnknownHostGetsTheBare404(t *testing.T) {
	e := newEdge2(t)
	r := e.request("GET", "/", nil)
	r.Host = "nobody.test"
	if res, body := e.do(r); res.StatusCode != 404 || body != "" || res.Header.Get("Content-Type") != "" {
		t.Errorf("%d %v %q", res.StatusCode, res.Header, body)
	}
}
