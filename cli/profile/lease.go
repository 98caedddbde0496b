package profile

import (
	"context"
	"sync"
	"time"
)

// lease is keys that end. Without an end they are for ever.
type lease struct {
	Keys
	ends time.Time
}

// How long before their end keys are replaced: where that fails, the old ones serve until they must not.
const (
	replaceBefore = 15 * time.Minute
	mustBefore    = 10 * time.Minute
)

func (l *lease) endsWithin(d time.Duration) bool { return !l.ends.IsZero() && time.Until(l.ends) < d }

// renewed is a source that fetches keys when it has none and when those it has are near their end.
func renewed(have *lease, fetch func(context.Context) (*lease, error)) source {
	var turn sync.Mutex
	return func(ctx context.Context) (*Keys, error) {
		turn.Lock()
		defer turn.Unlock()
		if have != nil && !have.endsWithin(replaceBefore) {
			return &have.Keys, nil
		}
		next, err := fetch(ctx)
		if err != nil {
			if have == nil || have.endsWithin(mustBefore) {
				return nil, err
			}
			return &have.Keys, nil
		}
		if have = next; have.endsWithin(0) {
			return nil, wrong("Credentials were refreshed, but the refreshed credentials are still expired.")
		}
		return &have.Keys, nil
	}
}

// moment reads a time as the services and programs write it.
func moment(text string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05MST", "2006-01-02T15:04:05Z0700", "2006-01-02 15:04:05Z07:00"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, wrong("Unknown string format: %s", text)
}
