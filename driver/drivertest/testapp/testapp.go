// Package testapp is the application that drivers are tested with: an HTTP server whose requests and environment
// make it misbehave in every way a driver must survive. drivertest/app runs it as a process in a real image, the
// fake driver runs it inside the test; it must never be linked into apron itself.
//
// Environment:
//
//	PORT=8080           where it listens
//	COPY=/from=to       copies a file first; ends with code 4 if it cannot
//	EXIT_AT_START=3     ends at once with this code
//	EXIT_AFTER_MS=500   ends with code 1 after this time
//	START_DELAY_MS=500  listens only after this time
//	NEVER_LISTEN=1      runs without listening
//	IGNORE_TERM=1       only SIGKILL ends it
//	UNHEALTHY=1         /health fails from the start
//
// Paths: / (200 "hello"), /env, /args, /pid, /header?name= (what of it came), /slow?ms=, /exit?code=, /log?line=, /eat?mb=, /write?mb=, /reach?addr=,
// /health (200 or 503; ?set=ok and ?set=fail switch it), /redirect (302 to a path that does not exist), /echo (switches to
// the protocol echo, in which every byte comes back, as a WebSocket would).
package testapp

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Process is what the application has of the machine it runs on.
type Process struct {
	Args   []string
	Env    []string // KEY=value, the last one of a key wins
	Stdout io.Writer
	Stderr io.Writer
	Term   <-chan struct{} // closed when SIGTERM arrived
	Listen func(port string) (net.Listener, error)
	Eat    func(mib int)           // takes and keeps memory
	Write  func(mib int) error     // writes to the instance's own file system
	Reach  func(addr string) error // connects to an address outside, and hangs up
	Copy   func(from, to string) error
}

// Run is the whole life of the application and returns its exit code. The end of ctx is SIGKILL.
func Run(ctx context.Context, p Process) int {
	ctx, kill := context.WithCancel(ctx)
	defer kill()
	fmt.Fprintln(p.Stdout, "started", strings.Join(p.Args, " "))
	if from, to, ok := strings.Cut(p.getenv("COPY"), "="); ok {
		if err := p.Copy(from, to); err != nil {
			fmt.Fprintln(p.Stderr, "copy:", err)
			return 4
		}
	}
	if code := p.getenv("EXIT_AT_START"); code != "" {
		fmt.Fprintln(p.Stderr, "ending at start with code", code)
		return number(code)
	}
	if p.getenv("IGNORE_TERM") == "1" {
		p.Term = nil
	}
	a := &app{Process: p, ctx: ctx, exit: make(chan int, 1)}
	a.unhealthy.Store(p.getenv("UNHEALTHY") == "1")
	return a.run()
}

type app struct {
	Process
	ctx       context.Context
	exit      chan int
	unhealthy atomic.Bool
}

func (a *app) run() int {
	var life, delay <-chan time.Time
	if ms := a.getenv("EXIT_AFTER_MS"); ms != "" {
		life = time.After(time.Duration(number(ms)) * time.Millisecond)
	}
	if a.getenv("NEVER_LISTEN") != "1" {
		delay = time.After(time.Duration(number(a.getenv("START_DELAY_MS"))) * time.Millisecond)
	}
	srv := &http.Server{Handler: a.routes()}
	defer srv.Close()
	for {
		select {
		case <-delay:
			l, err := a.Listen(a.getenv("PORT"))
			if err != nil {
				fmt.Fprintln(a.Stderr, "listen:", err)
				return 2
			}
			go srv.Serve(l)
		case code := <-a.exit:
			return code
		case <-life:
			return 1
		case <-a.Term:
			return 0
		case <-a.ctx.Done():
			return 137
		}
	}
}

func (a *app) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", text(func() string { return "hello" }))
	mux.HandleFunc("/env", text(func() string { return strings.Join(a.Env, "\n") }))
	mux.HandleFunc("/args", text(func() string { return strings.Join(a.Args, " ") }))
	mux.HandleFunc("/pid", text(func() string { return strconv.Itoa(os.Getpid()) }))
	mux.HandleFunc("/header", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, strings.Join(r.Header.Values(r.FormValue("name")), ", "))
	})
	mux.HandleFunc("/slow", a.slow)
	mux.HandleFunc("/exit", a.end)
	mux.HandleFunc("/log", a.log)
	mux.HandleFunc("/health", a.health)
	mux.HandleFunc("/echo", a.echo)
	mux.HandleFunc("/eat", func(_ http.ResponseWriter, r *http.Request) { a.Eat(number(r.FormValue("mb"))) })
	mux.HandleFunc("/write", a.write)
	mux.HandleFunc("/reach", a.reach)
	mux.Handle("/redirect", http.RedirectHandler("/nowhere", http.StatusFound))
	return mux
}

func (a *app) slow(w http.ResponseWriter, r *http.Request) {
	select {
	case <-time.After(time.Duration(number(r.FormValue("ms"))) * time.Millisecond):
		fmt.Fprint(w, "slow")
	case <-r.Context().Done():
	case <-a.ctx.Done():
	}
}

func (a *app) end(_ http.ResponseWriter, r *http.Request) {
	select {
	case a.exit <- number(r.FormValue("code")):
	default: // it is ending already
	}
}

func (a *app) log(_ http.ResponseWriter, r *http.Request) {
	fmt.Fprintln(a.Stdout, "out:", r.FormValue("line"))
	fmt.Fprintln(a.Stderr, "err:", r.FormValue("line"))
}

func (a *app) health(w http.ResponseWriter, r *http.Request) {
	if set := r.FormValue("set"); set != "" {
		a.unhealthy.Store(set == "fail")
		return
	}
	if a.unhealthy.Load() {
		http.Error(w, "unhealthy", http.StatusServiceUnavailable)
	}
}

func (a *app) echo(w http.ResponseWriter, _ *http.Request) {
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"); err == nil {
		_, _ = io.Copy(conn, rw) // until either end hangs up
	}
}

func (a *app) write(w http.ResponseWriter, r *http.Request) {
	if err := a.Write(number(r.FormValue("mb"))); err != nil {
		http.Error(w, err.Error(), http.StatusInsufficientStorage)
	}
}

func (a *app) reach(w http.ResponseWriter, r *http.Request) {
	if err := a.Reach(r.FormValue("addr")); err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
	}
}

func text(f func() string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, f()) }
}

func (p Process) getenv(key string) string {
	var value string
	for _, kv := range p.Env {
		if k, v, _ := strings.Cut(kv, "="); k == key {
			value = v
		}
	}
	return value
}

// number is 0 for what is no number: the tests are the only ones who ask.
func number(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}
