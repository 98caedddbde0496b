package main

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"apron/handover"
	"apron/proxy"
)

// records are requests that have ended while nobody here could tell of them.
type records struct {
	mu     sync.Mutex
	kept   []json.RawMessage // at most mostRecords
	missed int               // how many there was no place for
}

const (
	mostRecords = 20_000    // some seconds of a busy server: the time for which nobody is in charge
	mostBytes   = 128 << 10 // of records in one message
)

// keep takes a copy.
func (k *records) keep(r *proxy.Record) {
	text, err := json.Marshal(r)
	k.mu.Lock()
	defer k.mu.Unlock()
	if err != nil || len(k.kept) >= mostRecords || len(text) > mostBytes {
		k.missed++
		return
	}
	k.kept = append(k.kept, text)
}

// take returns the oldest, as many as fit into a message, and how many were missed since it was asked last.
func (k *records) take() (oldest []json.RawMessage, missed int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	n := 0
	for size := 0; n < len(k.kept) && size+len(k.kept[n]) <= mostBytes; n++ {
		size += len(k.kept[n])
	}
	oldest, missed = k.kept[:n:n], k.missed
	k.kept, k.missed = k.kept[n:], 0
	return oldest, missed
}

// back has what was kept told by the control plane that this process has again.
func (f *front) back() {
	f.away.Store(false)
	for {
		some, missed := f.records.take()
		f.tellMissed(missed)
		if len(some) == 0 {
			return
		}
		f.tellRecords(some)
	}
}

func (f *front) tellMissed(n int) {
	if n > 0 {
		f.log.Warn("requests that ended during an upgrade are neither logged nor counted", "requests", n)
	}
}

func (f *front) tellRecords(texts []json.RawMessage) {
	for _, text := range texts {
		var r proxy.Record
		if err := json.Unmarshal(text, &r); err != nil {
			f.log.Error("the record of a request from the process before is malformed", "error", err)
			continue
		}
		f.ended(&r)
	}
}

const recordsEvery = 200 * time.Millisecond

// sendRecords has the process in charge tell of the requests that end here, until ctx is done, and then of the last ones.
func (f *front) sendRecords(ctx context.Context, leader *handover.Conn) {
	for ended := false; !ended; {
		select {
		case <-ctx.Done():
			ended = true
		case <-time.After(recordsEvery):
		}
		for f.sendSome(leader) {
		}
	}
}

// sendSome reports whether there may be more.
func (f *front) sendSome(leader *handover.Conn) bool {
	some, missed := f.records.take()
	f.tellMissed(missed)
	if len(some) == 0 {
		return false
	}
	ask, cancel := context.WithTimeout(context.Background(), askLimit)
	defer cancel()
	if _, err := leader.Ask(ask, askRecords, some, nil); err != nil {
		f.tellMissed(len(some))
		return false
	}
	return true
}
