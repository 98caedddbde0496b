package handover

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

func begin(t *testing.T, does string, limit time.Duration, sockets map[string]syscall.Conn) (*Successor, error) {
	t.Helper()
	t.Setenv("NEW_PROCESS", does)
	ctx, cancel := context.WithTimeoutCause(t.Context(), limit, errors.New("the limit of the test"))
	defer cancel()
	return Begin(ctx, Program{Path: os.Args[0]}, Greeting{Protocol: Protocol, Version: "old", Schema: 6, PID: os.Getpid()}, sockets)
}

func TestBegin_GreetsANewProcessWithTheSockets(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s, err := begin(t, "serve", 30*time.Second, map[string]syscall.Conn{"edge": l.(*net.TCPListener)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Kill()
	s.Start(nil)
	if s.Greeting.Version != "new" || s.Greeting.Schema != 7 || s.Greeting.PID != s.PID() {
		t.Errorf("it said %+v, and is process %d", s.Greeting, s.PID())
	}
	var got map[string]string
	if _, err := s.Ask(t.Context(), "sockets", nil, &got); err != nil || len(got) != 1 || got["edge"] != l.Addr().String() {
		t.Errorf("it has the sockets %v, %v; want edge at %v", got, err, l.Addr())
	}
}

func TestBegin_SaysWhyANewProcessCannotBeUsed(t *testing.T) {
	for does, want := range map[string]string{
		"exit":  "the new process ended with exit status 3",
		"hang":  "the limit of the test",
		"older": "apron old speaks version 1 of the handover and apron new version 0",
	} {
		if s, err := begin(t, does, 5*time.Second, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Begin with one that does %q = %v, %v; want %q", does, s, err, want)
		}
	}
	_, err := Begin(t.Context(), Program{Path: "/nowhere/apron"}, Greeting{}, nil)
	if err == nil || !strings.Contains(err.Error(), "start /nowhere/apron") {
		t.Errorf("Begin with no program = %v", err)
	}
}

func TestKill_ReturnsWhenTheProcessIsGone(t *testing.T) {
	s, err := begin(t, "serve", 30*time.Second, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.Start(nil)
	if err := syscall.Kill(s.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-s.Done()
	if err := s.Gone(); !strings.Contains(err.Error(), "signal: killed") {
		t.Errorf("Gone = %v", err)
	}
	s.Kill()
	if err := syscall.Kill(s.PID(), 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("process %d after Kill: %v", s.PID(), err)
	}
}

func TestInherited_IsNilForAServerThatAPersonStarts(t *testing.T) {
	if p, err := Inherited(t.Context(), Greeting{}); p != nil || err != nil {
		t.Errorf("Inherited = %v, %v", p, err)
	}
	t.Setenv(envSocket, "soon")
	if _, err := Inherited(t.Context(), Greeting{}); err == nil || !strings.Contains(err.Error(), "it is set by `apron upgrade` and nobody else") {
		t.Errorf("Inherited = %v", err)
	}
}
