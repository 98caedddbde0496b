package logs

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// settled is how long a stream must not have grown before it may be removed: an instance's file is made a moment
// before the instance opens it.
const settled = 10 * time.Minute

// sweep removes finished streams that are too old, or that make a service's logs too big.
func (l *Logs) sweep(ctx context.Context, now time.Time) error {
	dirs, err := filepath.Glob(filepath.Join(l.dir, "*", "*", "service"))
	if err != nil {
		return err
	}
	var errs []error
	for _, dir := range dirs {
		if ctx.Err() != nil {
			break
		}
		id := filepath.Dir(dir)
		svc := Service{Name: filepath.Base(filepath.Dir(id)), ID: filepath.Base(id)}
		errs = append(errs, l.sweepService(svc, now))
	}
	return errors.Join(errs...)
}

func (l *Logs) sweepService(svc Service, now time.Time) error {
	streams, err := l.allStreams(svc)
	if err != nil {
		return err
	}
	var total int64
	for _, s := range streams {
		total += s.Size
	}
	slices.SortFunc(streams, func(a, b Stream) int { return a.LastWrite.Compare(b.LastWrite) })
	for _, s := range streams {
		age := now.Sub(s.LastWrite)
		if s.Name == EventsStream || age < settled || age < l.cfg.MaxAge && total <= l.cfg.MaxTotal {
			continue
		}
		gone, err := l.removeStream(svc, s.Name)
		if err != nil {
			return err
		}
		if gone {
			total -= s.Size
			l.log.Info("removed an old log stream", slog.String("service", svc.Name), slog.String("stream", s.Name),
				slog.Int64("bytes", s.Size))
		}
	}
	return nil
}

// removeStream removes the live file unless it is in use, and then the parts; a crash between leaves parts that
// Streams still lists and the next sweep removes.
func (l *Logs) removeStream(svc Service, stream string) (bool, error) {
	path, err := l.path(svc, stream)
	if err != nil {
		return false, err
	}
	gone, err := removeClosed(path)
	for n := 1; gone && err == nil && n <= l.cfg.Keep; n++ {
		if err = os.Remove(partName(path, n)); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	return gone, err
}
