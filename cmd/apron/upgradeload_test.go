package main_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/apprunner"
)

// load is steady traffic to a world's service and to its API, each request of which has to succeed. Its clients send on a
// connection for as long as the server does not say that it ends, and repeat nothing: what a retry would hide counts.
type load struct {
	w       *world
	address string
	stop    chan struct{}
	wg      sync.WaitGroup
	sent    atomic.Int64

	mu     sync.Mutex
	failed []string
}

// startLoad begins with clients of each kind.
func startLoad(w *world) *load {
	l := &load{w: w, address: strings.TrimPrefix(w.platform.Env["APRON_EDGE_URL"], "http://"), stop: make(chan struct{})}
	for i := range 6 {
		l.client(fmt.Sprintf("busy %d", i), "GET", "/", time.Duration(i)*time.Millisecond, true)
		l.client(fmt.Sprintf("posting %d", i), "POST", "/", time.Duration(i)*time.Millisecond, true)
	}
	for i := range 4 {
		l.client(fmt.Sprintf("seldom %d", i), "GET", "/", time.Duration(i+1)*150*time.Millisecond, true)
		l.client(fmt.Sprintf("once %d", i), "GET", "/", time.Duration(i)*5*time.Millisecond, false)
		l.client(fmt.Sprintf("slow %d", i), "GET", fmt.Sprintf("/slow?ms=%d", 100+200*i), 0, true)
	}
	l.apiClient()
	return l
}

// end stops the clients and reports what failed.
func (l *load) end() {
	l.w.Helper()
	close(l.stop)
	l.wg.Wait()
	for i, failure := range l.failed {
		if i < 20 {
			l.w.Error(failure)
		}
	}
	l.w.Logf("%d requests, %d failed", l.sent.Load(), len(l.failed))
	if len(l.failed) > 0 {
		l.w.Log(l.w.platform.Log())
	}
}

func (l *load) fail(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed = append(l.failed, time.Now().Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
}

// loop runs request again and again, with a pause between.
func (l *load) loop(pause time.Duration, request func() error, name string) {
	l.wg.Go(func() {
		for {
			select {
			case <-l.stop:
				return
			case <-time.After(pause):
			}
			l.sent.Add(1)
			if err := request(); err != nil {
				l.fail("%s: %v", name, err)
			}
		}
	})
}

func (l *load) client(name, method, path string, pause time.Duration, keep bool) {
	c := &rawClient{address: l.address, host: l.w.url}
	l.loop(pause, func() error {
		if !keep {
			c.close()
		}
		return c.send(method, path, http.StatusOK)
	}, name)
}

func (l *load) apiClient() {
	client, arn := l.w.platform.Client(), l.w.arn
	l.loop(2*time.Millisecond, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		_, err := client.DescribeService(ctx, &apprunner.DescribeServiceInput{ServiceArn: &arn})
		return err
	}, "API")
}

// rawClient has at most one connection, and uses it until the server says that it ends.
type rawClient struct {
	address, host string
	conn          net.Conn
	in            *bufio.Reader
	uses          int
}

func (c *rawClient) close() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}

func (c *rawClient) dial() (err error) {
	if c.conn == nil {
		c.conn, err = net.DialTimeout("tcp", c.address, 30*time.Second)
		c.in, c.uses = bufio.NewReader(c.conn), 0
	}
	return err
}

// send asks and wants this status.
func (c *rawClient) send(method, path string, want int) error {
	status, body, err := c.ask(method, path)
	if err == nil && status != want {
		err = fmt.Errorf("%s %s, request %d on its connection: %d %q", method, path, c.uses, status, body)
		c.close()
	}
	return err
}

// ask sends a request and reads its answer.
func (c *rawClient) ask(method, path string) (status int, body []byte, err error) {
	if err := c.dial(); err != nil {
		return 0, nil, err
	}
	c.uses++
	if status, body, err = c.exchange(method, path); err != nil {
		err = fmt.Errorf("%s %s, request %d on its connection: %w", method, path, c.uses, err)
		c.close()
	}
	return status, body, err
}

func (c *rawClient) exchange(method, path string) (status int, body []byte, err error) {
	_ = c.conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := fmt.Fprintf(c.conn, "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 0\r\n\r\n", method, path, c.host); err != nil {
		return 0, nil, err
	}
	res, err := http.ReadResponse(c.in, &http.Request{Method: method})
	if err != nil {
		return 0, nil, err
	}
	body, err = io.ReadAll(res.Body)
	if res.Close {
		c.close()
	}
	return res.StatusCode, body, err
}

// echo is a connection like a WebSocket.
type echo struct{ rawClient }

func openEcho(t *testing.T, w *world) *echo {
	t.Helper()
	e := &echo{rawClient{address: strings.TrimPrefix(w.platform.Env["APRON_EDGE_URL"], "http://"), host: w.url}}
	if err := e.dial(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.close)
	_ = e.conn.SetDeadline(time.Now().Add(time.Minute))
	fmt.Fprintf(e.conn, "GET /echo HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n", e.host)
	res, err := http.ReadResponse(e.in, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("echo = %v, %v", res, err)
	}
	return e
}

// says sends a line and wants it back.
func (e *echo) says(line string) error {
	_ = e.conn.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := io.WriteString(e.conn, line+"\n"); err != nil {
		return err
	}
	got, err := e.in.ReadString('\n')
	if err == nil && got != line+"\n" {
		err = errors.New("it came back as " + got)
	}
	return err
}
