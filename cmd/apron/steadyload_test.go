package main_test

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// steadyClients send all the while; steadyRounds each deploy a version while a wave of requests has the service scaled out, and wait
// until it is scaled in again. Every fourth round pauses and resumes, and every fourth upgrades the server.
const (
	steadyClients = 200
	steadyRounds  = 20
	waveRequests  = 250 // that take a second, with 100 at most to one instance: three instances
)

// TestSteadyLoad_NoRequestFailsAndNoneGetsAnOldVersion is what a service's clients see of a busy day of its owner and of the platform's.
func TestSteadyLoad_NoRequestFailsAndNoneGetsAnOldVersion(t *testing.T) {
	w := newWorld(t)
	w.patience = 5 * time.Minute
	s := &steady{w: w, address: strings.TrimPrefix(w.platform.Env["APRON_EDGE_URL"], "http://"), stop: make(chan struct{})}
	w.do(createWith("app:1", map[string]string{"VERSION": "0"}))
	w.tag("apron:scale-in-after", "1s")
	w.do(scaled(1, 3, 100))
	for i := range steadyClients {
		s.group.Go(func() { s.client(i) })
	}
	for round := range steadyRounds {
		s.round(round)
		if t.Failed() {
			break
		}
	}
	close(s.stop)
	s.group.Wait()
	t.Logf("%d requests, of them %d answered 404 during pauses", s.sent.Load(), s.refused.Load())
	if s.refused.Load() == 0 {
		t.Error("no request met a pause, so the pauses say nothing")
	}
}

// steady is the load and what its clients may be told.
type steady struct {
	w       *world
	address string
	group   sync.WaitGroup
	stop    chan struct{}

	sent, refused   atomic.Int64
	deployed, asked atomic.Int64 // versions: the last whose deployment has succeeded, and the last that was asked for
	pauses, resumed atomic.Int64 // pauses that have begun, and those whose resume has succeeded
}

func (s *steady) round(n int) {
	s.w.Helper()
	wave := s.wave()
	s.w.becomes("three", healthy(3))
	s.deploy()
	wave.Wait()
	s.w.becomes("one", healthy(1))
	switch n % 4 {
	case 1:
		s.pauses.Add(1)
		s.w.do(pause)
		s.w.do(resume)
		s.resumed.Add(1)
	case 3:
		s.w.upgraded()
	}
}

// deploy puts the next version in place of the last.
func (s *steady) deploy() {
	s.w.Helper()
	version := s.asked.Add(1)
	s.w.do(func(ctx context.Context, w *world) error {
		return updateTo(ctx, w, "app:1", map[string]string{"VERSION": fmt.Sprint(version)})
	})
	s.deployed.Store(version)
}

// wave is many slow requests at once.
func (s *steady) wave() *sync.WaitGroup {
	wave := new(sync.WaitGroup)
	for range waveRequests {
		wave.Go(func() {
			c := &rawClient{address: s.address, host: s.w.url}
			defer c.close()
			s.sent.Add(1)
			if err := c.send("GET", "/slow?ms=1000", http.StatusOK); err != nil {
				s.w.Errorf("%s in a wave: %v", time.Now().Format("15:04:05.000"), err)
			}
		})
	}
	return wave
}

// client sends one request after the other, about five a second, on a connection that it keeps.
func (s *steady) client(n int) {
	c := &rawClient{address: s.address, host: s.w.url}
	defer c.close()
	method := []string{"GET", "POST"}[n%2]
	for {
		select {
		case <-s.stop:
			return
		case <-time.After(time.Duration(150+n) * time.Millisecond):
		}
		if err := s.request(c, method); err != nil {
			s.w.Errorf("%s client %d: %v", time.Now().Format("15:04:05.000"), n, err)
			return
		}
	}
}

var version = regexp.MustCompile(`(?m)^VERSION=(\d+)$`)

// request asks which version answers. One that was deployed before the request began must not be older, and only what met a pause
// may be told 404.
func (s *steady) request(c *rawClient, method string) error {
	oldest, resumed := s.deployed.Load(), s.resumed.Load()
	s.sent.Add(1)
	status, body, err := c.ask(method, "/env")
	if err != nil {
		return err
	}
	if status == http.StatusNotFound && s.pauses.Load() > resumed {
		s.refused.Add(1)
		return nil
	}
	found := version.FindSubmatch(body)
	if status != http.StatusOK || found == nil {
		return fmt.Errorf("answered %d %q", status, body)
	}
	got, err := strconv.ParseInt(string(found[1]), 10, 64)
	if newest := s.asked.Load(); err == nil && (got < oldest || got > newest) {
		err = fmt.Errorf("answered by version %d; it has to be %d to %d", got, oldest, newest)
	}
	return err
}
