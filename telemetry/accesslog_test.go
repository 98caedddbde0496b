package telemetry

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"apron/proxy"
)

// rig is a Telemetry whose services and files the test has in hand.
type rig struct {
	*Telemetry
	test *testing.T
	log  strings.Builder

	mu       sync.Mutex
	services map[string]Service
	unknown  error
	file     strings.Builder
	full     error
	opened   int
	closed   int
}

func newRig(t *testing.T) *rig {
	r := &rig{test: t, services: map[string]Service{"s1": {ID: "s1", Name: "web", Account: "1", AccessLog: true}}}
	r.Telemetry = New(Config{
		Log: slog.New(slog.NewTextHandler(&r.log, nil)),
		Services: func(_ context.Context, ids []string) (map[string]Service, error) {
			found := map[string]Service{}
			for _, id := range ids {
				if s, ok := r.services[id]; ok {
					found[id] = s
				}
			}
			return found, r.unknown
		},
		AccessLog: func(Service) (io.WriteCloser, error) { r.opened++; return r, r.full },
	})
	return r
}

func (r *rig) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.full != nil {
		return 0, r.full
	}
	return r.file.Write(p)
}

func (r *rig) Close() error { r.closed++; return nil }

func (r *rig) lines() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Count(r.file.String(), "\n")
}

// wants checks how many lines were written and lost.
func (r *rig) wants(written int, lost uint64) {
	r.test.Helper()
	if got := r.lines(); got != written {
		r.test.Errorf("%d lines were written, want %d", got, written)
	}
	if _, got := r.countsOf("s1"); got != lost {
		r.test.Errorf("%d lines were lost, want %d", got, lost)
	}
}

func (r *rig) ended(n int) {
	for range n {
		r.Ended(&proxy.Record{Service: "s1", Status: 200, Target: "/"})
	}
}

// asksAgain makes it time to ask what services are.
func (r *rig) asksAgain() {
	for _, s := range *r.Telemetry.services.Load() {
		s.looked = s.looked.Add(-lookEvery)
	}
	r.reviewed = r.reviewed.Add(-lookEvery)
}

func TestAccessLog_IsWrittenByRunAndWholeAtItsEnd(t *testing.T) {
	r := newRig(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- r.Run(ctx) }()
	r.ended(3)
	for deadline := time.Now().Add(time.Minute); r.lines() < 3; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nothing was written within 10 s")
		}
	}
	r.ended(2)
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	r.wants(5, 0)
	if r.closed != 1 {
		t.Errorf("the file was closed %d times", r.closed)
	}
}

func TestAccessLog_OfManyAtOnceHasEveryLine(t *testing.T) {
	r := newRig(t)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() { r.ended(200) })
	}
	group.Wait()
	r.writeAll(t.Context())
	r.wants(1600, 0)
}

func TestAccessLog_ThatCannotBeWrittenCostsItsLinesAlone(t *testing.T) {
	r := newRig(t)
	r.full = errors.New("no space left on device")
	r.ended(4)
	r.writeAll(t.Context())
	r.wants(0, 4)
	if log := r.log.String(); !strings.Contains(log, "lines=4") || !strings.Contains(log, "no space left") {
		t.Errorf("the server's log says %q of it", log)
	}
	r.full = nil
	r.ended(2)
	r.writeAll(t.Context())
	r.wants(2, 4)
	if c, _ := r.countsOf("s1"); c.requests != 6 {
		t.Errorf("%d requests are counted, want 6", c.requests)
	}
}

func TestAccessLog_OfADiskThatHangsIsBounded(t *testing.T) {
	r := newRig(t)
	r.ended(1)
	perLine := len((*r.Telemetry.services.Load())["s1"].lines.buffer)
	n := 3 * fullBuffer / perLine
	r.ended(n)
	l := &(*r.Telemetry.services.Load())["s1"].lines
	if len(l.buffer) > fullBuffer+perLine || l.lost == 0 || l.count+int(l.lost) != n+1 {
		t.Errorf("%d bytes wait, %d lines, and %d are lost of %d", len(l.buffer), l.count, l.lost, n+1)
	}
	select {
	case <-r.bell:
	default:
		t.Error("nobody was told to write")
	}
}

func TestAccessLog_ThatIsOffIsNotWrittenUntilItIsOnAgain(t *testing.T) {
	r := newRig(t)
	on := r.services["s1"]
	off := on
	off.AccessLog = false
	r.services["s1"] = off
	r.ended(2)
	r.writeAll(t.Context())
	r.wants(0, 0)
	r.services["s1"] = on
	r.ended(2) // not known yet
	r.asksAgain()
	r.writeAll(t.Context())
	r.ended(2)
	r.writeAll(t.Context())
	r.wants(2, 0)
}

func TestAccessLog_OfAServiceThatCannotBeLookedUpIsLost(t *testing.T) {
	r := newRig(t)
	r.unknown = errors.New("the database is locked")
	r.ended(1)
	r.writeAll(t.Context())
	r.wants(0, 1)
	r.unknown = nil
	r.ended(1)
	r.writeAll(t.Context())
	r.unknown = errors.New("the database is locked") // what it was is known from now on
	r.asksAgain()
	r.ended(1)
	r.writeAll(t.Context())
	r.wants(2, 1)
}

func TestAccessLog_IsClosedWhenIdleAndOpenedAgain(t *testing.T) {
	r := newRig(t)
	r.ended(1)
	r.writeAll(t.Context())
	r.closeIdle(time.Now())
	if r.closed != 0 {
		t.Error("a log that was written to just now was closed")
	}
	r.closeIdle(time.Now().Add(closeAfter))
	r.ended(1)
	r.writeAll(t.Context())
	r.wants(2, 0)
	if r.opened != 2 || r.closed != 1 {
		t.Errorf("opened %d times and closed %d times, want 2 and 1", r.opened, r.closed)
	}
}

func TestTelemetry_ForgetsServicesThatAreGone(t *testing.T) {
	r := newRig(t)
	r.services["s1"] = Service{ID: "s1", Name: "web", AccessLog: true, Deleted: true}
	r.ended(1)
	r.writeAll(t.Context())
	r.wants(1, 0) // the last requests of a service belong into its log
	r.closeIdle(time.Now())
	if len(*r.Telemetry.services.Load()) != 1 {
		t.Error("a service with recent requests was forgotten")
	}
	r.closeIdle(time.Now().Add(closeAfter))
	if n := len(*r.Telemetry.services.Load()); n != 0 {
		t.Errorf("%d services are kept", n)
	}
}

func TestEnded_AllocatesNothing(t *testing.T) {
	r := newRig(t)
	record := exampleRecord()
	record.Service = "s1"
	for range 2000 {
		r.Ended(record) // the buffers grow to their size
	}
	r.writeAll(t.Context())
	for range 2000 {
		r.Ended(record)
	}
	r.writeAll(t.Context())
	if n := testing.AllocsPerRun(1000, func() { r.Ended(record) }); n > 0 {
		t.Errorf("a request allocates %v times", n)
	}
}
