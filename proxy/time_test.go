package proxy

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pipeListener accepts in-memory connections, which testing/synctest can wait for.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { close(l.closed); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

func (l *pipeListener) Dial(ctx context.Context) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// bubble is an edge and one instance, "i1", inside a synctest bubble, where an hour takes no time.
func bubble(t *testing.T, via way, instance http.HandlerFunc, test func(t *testing.T, p *Proxy, client *http.Client, l *pipeListener)) {
	synctest.Test(t, func(t *testing.T) {
		back, front := newPipeListener(), newPipeListener()
		p := New(Config{Log: slog.New(slog.DiscardHandler),
			Dial: func(ctx context.Context, _ string) (net.Conn, error) { return back.Dial(ctx) }})
		server := &http.Server{Handler: instance}
		go server.Serve(back)
		stop := via.serve(p, front)
		tr := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return front.Dial(ctx) }}
		p.SetInstances("web", []string{"i1"})
		p.Open("web", "web.test")
		test(t, p, &http.Client{Transport: tr}, front)
		tr.CloseIdleConnections()
		p.Remove("web")
		stop()
		server.Close()
		synctest.Wait()
	})
}

func fetch(t *testing.T, client *http.Client) (int, string, error) {
	res, err := client.Get("http://web.test/")
	if err != nil {
		t.Error(err)
		return 0, "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res.StatusCode, string(body), err
}

func TestTimeout_Is504After120Seconds(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		bubble(t, via, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
			func(t *testing.T, p *Proxy, client *http.Client, _ *pipeListener) {
				began := time.Now()
				status, body, _ := fetch(t, client)
				if status != 504 || !strings.HasPrefix(body, "upstream request timeout") {
					t.Errorf("got %d %q", status, body)
				}
				if took := time.Since(began); took != 120*time.Second {
					t.Errorf("took %v", took)
				}
			})
	})
}

func TestTimeout_BreaksOffAnAnswerThatIsTooLong(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		bubble(t, via, func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "begin")
			http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, func(t *testing.T, p *Proxy, client *http.Client, _ *pipeListener) {
			began := time.Now()
			status, body, err := fetch(t, client)
			if took := time.Since(began); status != 200 || body != "begin" || err == nil || took != 120*time.Second {
				t.Errorf("got %d %q, %v after %v", status, body, err, took)
			}
		})
	})
}

func TestNoInstance_Is503AfterFiveSeconds(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		bubble(t, via, nil, func(t *testing.T, p *Proxy, client *http.Client, _ *pipeListener) {
			p.SetInstances("web", nil)
			began := time.Now()
			status, _, _ := fetch(t, client)
			if took := time.Since(began); status != 503 || took != 5*time.Second {
				t.Errorf("%d after %v", status, took)
			}
		})
	})
}

func TestDrain_CutsAtItsDeadlineAndNotBefore(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		bubble(t, via, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
			func(t *testing.T, p *Proxy, client *http.Client, _ *pipeListener) {
				status := make(chan int, 1)
				go func() {
					got, _, _ := fetch(t, client)
					status <- got
				}()
				synctest.Wait()
				p.SetInstances("web", nil)
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				defer cancel()
				began := time.Now()
				err := p.Drain(ctx, "i1")
				if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took != 30*time.Second {
					t.Errorf("%v after %v", err, took)
				}
				if got := <-status; got != 503 {
					t.Errorf("the cut request got %d", got)
				}
			})
	})
}

func TestWebSocket_OutlivesTheTimeLimit(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		bubble(t, via, echoUpgrade, func(t *testing.T, p *Proxy, _ *http.Client, l *pipeListener) {
			c, err := l.Dial(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			go io.WriteString(c, "GET / HTTP/1.1\r\nHost: web.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
			br := bufio.NewReader(c)
			if res, err := http.ReadResponse(br, nil); err != nil || res.StatusCode != 101 {
				t.Fatalf("%v, %v", res, err)
			}
			time.Sleep(time.Hour)
			go io.WriteString(c, "ping")
			got := make([]byte, 4)
			if _, err := io.ReadFull(br, got); err != nil {
				t.Error(err)
			}
			c.Close()
		})
	})
}

// A service that was just withdrawn is unknown, and what waited for its instance has reached none.
func TestWithdraw_AnswersWhatWaitsForAnInstanceAsForAnUnknownHost(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		bubble(t, via, nil, func(t *testing.T, p *Proxy, client *http.Client, _ *pipeListener) {
			p.SetInstances("web", nil)
			status := make(chan int, 1)
			go func() {
				got, _, _ := fetch(t, client)
				status <- got
			}()
			synctest.Wait()
			began := time.Now()
			if err := p.Withdraw(t.Context(), "web"); err != nil || time.Since(began) != 0 {
				t.Errorf("%v after %v", err, time.Since(began))
			}
			if got := <-status; got != http.StatusNotFound {
				t.Errorf("the waiting request got %d", got)
			}
		})
	})
}

// Whoever stops waiting, because its process leaves the data to another one, has not asked for requests to be cut.
func TestDrain_ThatIsCancelledCutsNothing(t *testing.T) {
	slowly := func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(time.Minute)
		_, _ = io.WriteString(w, "ok")
	}
	eachWay(t, func(t *testing.T, via way) {
		bubble(t, via, slowly, func(t *testing.T, p *Proxy, client *http.Client, _ *pipeListener) {
			answer := make(chan string, 1)
			go func() {
				_, body, _ := fetch(t, client)
				answer <- body
			}()
			synctest.Wait()
			p.SetInstances("web", nil)
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			time.AfterFunc(time.Second, cancel)
			if err := p.Drain(ctx, "i1"); !errors.Is(err, context.Canceled) {
				t.Errorf("a cancelled drain returned %v", err)
			}
			if got := <-answer; got != "ok" {
				t.Errorf("the request that was in flight got %q", got)
			}
		})
	})
}
