package proxy

import (
	"net/http"
	"strings"
	"testing"
)

func TestRefuse_TellsThoseThatWaitAndThoseThatComeWhy(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		e := newEdge(t, via)
		e.open()
		e.SetIdle("web", true)
		answered := make(chan string, 1)
		go func() {
			resp, body := e.get("/")
			answered <- resp.Status + " " + resp.Header.Get("Retry-After") + " " + body
		}()
		eventually(t, "a request waits", func() bool { return e.Load("web").Waiting == 1 })
		e.Refuse("web", "Your application stopped.")
		for range 2 {
			got := <-answered
			if !strings.HasPrefix(got, "503 Service Unavailable 5 ") || !strings.Contains(got, "could not be started. Your application stopped.") {
				t.Errorf("answered %q, want 503 with the reason and when to come again", got)
			}
			resp, body := e.get("/")
			answered <- resp.Status + " " + resp.Header.Get("Retry-After") + " " + body
		}
		e.Refuse("web", "")
		woken := make(chan string, 1)
		go func() { _, body := e.get("/"); woken <- body }()
		eventually(t, "a request waits again", func() bool { return e.Load("web").Waiting == 1 })
		e.backend("a", say("a"))
		e.SetInstances("web", []string{"a"})
		e.Refuse("web", "it does not matter to one that has instances")
		if body := <-woken; body != "a" {
			t.Errorf("the one that waited got %q", body)
		}
		if resp, body := e.get("/"); resp.StatusCode != http.StatusOK || body != "a" {
			t.Errorf("with an instance: %s %q", resp.Status, body)
		}
	})
}

func TestUse_CountsWhatAnInstanceIsGiven(t *testing.T) {
	eachWay(t, func(t *testing.T, via way) {
		e := newEdge(t, via)
		hold, held := make(chan struct{}), make(chan struct{})
		e.backend("a", func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/hold" {
				close(held)
				<-hold
			}
		})
		e.open("a")
		e.get("/")
		e.get("/")
		done := make(chan struct{})
		go func() { defer close(done); e.get("/hold") }()
		<-held
		if inFlight, given := e.Use("web", "a"); inFlight != 1 || given != 3 {
			t.Errorf("%d in flight of %d that it was given, want 1 of 3", inFlight, given)
		}
		close(hold)
		<-done
		eventually(t, "none is in flight", func() bool { n, given := e.Use("web", "a"); return n == 0 && given == 3 })
		if n, given := e.Use("web", "b"); n != 0 || given != 0 {
			t.Errorf("an unknown instance has %d of %d", n, given)
		}
	})
}
