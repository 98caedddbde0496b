package telemetry

import (
	"context"
	"errors"
	"io"
	"time"

	"apron/proxy"
)

const (
	writeEvery = 500 * time.Millisecond
	lookEvery  = 2 * time.Second // between two questions of what a service is
	closeAfter = time.Minute     // without a line
	tellEvery  = time.Minute     // of lost lines

	fullBuffer = 1 << 20 // bytes that wait to be written, above which lines are lost
	halfBuffer = fullBuffer / 4
)

var errUnknown = errors.New("what the service is could not be looked up")

// lines are those of a service that no file has yet.
type lines struct {
	off    bool
	passed int // requests while off, since that was last looked at
	buffer []byte
	count  int    // in buffer
	lost   uint64 // because buffer was full or the file could not be written

	// Of writeLines alone:
	spare []byte
	file  io.WriteCloser
	wrote time.Time // last
	told  uint64    // of lost
}

// add appends the record's line. first: there was none before it; half: it is time to write.
func (l *lines) add(r *proxy.Record) (first, half bool) {
	switch {
	case l.off:
		l.passed++
		return false, false
	case len(l.buffer) >= fullBuffer:
		l.lost++
		return false, true
	}
	before := len(l.buffer)
	l.buffer = appendLine(l.buffer, r)
	l.count++
	return before == 0, before < halfBuffer && len(l.buffer) >= halfBuffer
}

// writeLines writes what there is, twice a second and when a buffer is a quarter full.
func (t *Telemetry) writeLines(ctx context.Context) error {
	tick, sweep := time.NewTicker(writeEvery), time.NewTicker(closeAfter)
	defer tick.Stop()
	defer sweep.Stop()
	for {
		select {
		case <-tick.C:
		case <-t.bell:
		case <-sweep.C:
			t.closeIdle(time.Now())
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			t.writeAll(last)
			t.closeIdle(time.Now().Add(closeAfter))
			return nil
		}
		t.writeAll(ctx)
	}
}

// writeAll writes the lines of all services that have any.
func (t *Telemetry) writeAll(ctx context.Context) {
	t.mu.Lock()
	unsaved := t.unsaved
	t.unsaved = nil
	t.mu.Unlock()
	t.look(ctx, append(t.silenced(), unsaved...))
	var failure error
	for _, s := range unsaved {
		if err := t.write(s); err != nil {
			failure = err
		}
	}
	t.tellLost(failure)
}

// silenced are the services whose log is off and that had requests since it was last asked whether it still is.
func (t *Telemetry) silenced() (list []*service) {
	if time.Since(t.reviewed) < lookEvery {
		return nil
	}
	t.reviewed = time.Now()
	for _, s := range *t.services.Load() {
		s.mu.Lock()
		if s.lines.off && s.lines.passed > 0 {
			list = append(list, s)
		}
		s.lines.passed = 0
		s.mu.Unlock()
	}
	return list
}

// look asks what those services are that were not asked for lately.
func (t *Telemetry) look(ctx context.Context, list []*service) {
	now := time.Now()
	var ids []string
	for _, s := range list {
		if now.Sub(s.looked) >= lookEvery {
			ids = append(ids, s.id)
		}
	}
	if len(ids) == 0 {
		return
	}
	found, err := t.cfg.Services(ctx, ids)
	if err != nil {
		t.cfg.Log.Debug("the services of access logs could not be looked up; they keep what they had", "error", err)
		return
	}
	for _, s := range list {
		if now.Sub(s.looked) < lookEvery {
			continue
		}
		s.looked, s.known = now, found[s.id]
		s.mu.Lock()
		s.lines.off = !s.known.AccessLog
		s.mu.Unlock()
	}
}

// write hands the service's lines to its file. While it does, requests fill the other buffer.
func (t *Telemetry) write(s *service) error {
	l := &s.lines
	s.mu.Lock()
	data, n := l.buffer, l.count
	l.buffer, l.count = l.spare[:0], 0
	s.mu.Unlock()
	l.spare = data
	if l.wrote = time.Now(); !s.known.AccessLog && !s.looked.IsZero() {
		return nil
	}
	err := t.put(s, data)
	if err != nil {
		s.mu.Lock()
		l.lost += uint64(n)
		s.mu.Unlock()
	}
	return err
}

func (t *Telemetry) put(s *service, data []byte) (err error) {
	l := &s.lines
	if s.looked.IsZero() {
		return errUnknown
	}
	if l.file == nil {
		if l.file, err = t.cfg.AccessLog(s.known); err != nil {
			l.file = nil
			return err
		}
	}
	if _, err = l.file.Write(data); err != nil {
		_ = l.file.Close() // the next lines get a fresh one
		l.file = nil
	}
	return err
}

// tellLost logs how many lines were lost since it did so last, once a minute.
func (t *Telemetry) tellLost(failure error) {
	if time.Since(t.retold) < tellEvery {
		return
	}
	var lost uint64
	for _, s := range *t.services.Load() {
		s.mu.Lock()
		lost += s.lines.lost - s.lines.told
		s.lines.told = s.lines.lost
		s.mu.Unlock()
	}
	if lost == 0 {
		return
	}
	t.retold = time.Now()
	t.cfg.Log.Warn("lines of access logs were lost: the disk does not take them, or not as fast as requests come; the tag apron:access-log=off turns a service's log off",
		"lines", lost, "error", failure)
}

// closeIdle closes the files of services without a recent line, lets go of their buffers, and forgets services that
// are gone.
func (t *Telemetry) closeIdle(now time.Time) {
	for _, s := range *t.services.Load() {
		l := &s.lines
		if now.Sub(l.wrote) < closeAfter {
			continue
		}
		if l.file != nil {
			_ = l.file.Close() // it has been written
			l.file = nil
		}
		l.spare = nil
		s.mu.Lock()
		if len(l.buffer) == 0 {
			l.buffer = nil
		}
		s.mu.Unlock()
	}
	t.forget(func(s *service) bool {
		return now.Sub(s.lines.wrote) >= closeAfter && !s.looked.IsZero() && (s.known.ID == "" || s.known.Deleted)
	})
}
