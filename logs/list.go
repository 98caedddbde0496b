package logs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Stream describes one stream that has got at least a byte.
type Stream struct {
	Name      string    // "events", "access", "deployment/<operation id>" or "instance/<instance id>"
	Size      int64     // bytes, rotated parts included
	LastWrite time.Time // when it last grew
}

// Streams lists the streams of the service by name. A stream that never got a byte does not exist, as on App Runner.
// A service without any gives an empty list.
func (l *Logs) Streams(svc Service) ([]Stream, error) {
	streams, err := l.allStreams(svc)
	return slices.DeleteFunc(streams, func(s Stream) bool { return s.Size == 0 }), err
}

// allStreams lists the empty files of silent instances too.
func (l *Logs) allStreams(svc Service) ([]Stream, error) {
	dir, err := l.serviceDir(svc)
	if err != nil {
		return nil, err
	}
	found := map[string]Stream{}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		name, ok := streamName(dir, path)
		if errors.Is(err, fs.ErrNotExist) || err == nil && (!ok || d.IsDir()) {
			return nil
		}
		if err != nil {
			return err
		}
		if info, err := d.Info(); err == nil { // else it was rotated or removed just now
			s := found[name]
			found[name] = Stream{Name: name, Size: s.Size + info.Size(), LastWrite: later(s.LastWrite, info.ModTime())}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list log streams of service %s: %w", svc.Name, err)
	}
	streams := make([]Stream, 0, len(found))
	for _, s := range found {
		streams = append(streams, s)
	}
	slices.SortFunc(streams, func(a, b Stream) int { return strings.Compare(a.Name, b.Name) })
	return streams, nil
}

// Services lists whose streams there are.
func (l *Logs) Services() (list []Service, err error) {
	dirs, err := filepath.Glob(filepath.Join(l.dir, "*", "*"))
	if err != nil {
		return nil, fmt.Errorf("list logs: %w", err)
	}
	for _, dir := range dirs {
		svc := Service{Name: filepath.Base(filepath.Dir(dir)), ID: filepath.Base(dir)}
		if _, err := l.serviceDir(svc); err == nil {
			list = append(list, svc)
		}
	}
	return list, nil
}

// Usage adds up the streams of the service, and tells when one last grew.
func (l *Logs) Usage(svc Service) (bytes int64, last time.Time, err error) {
	streams, err := l.allStreams(svc)
	for _, s := range streams {
		bytes, last = bytes+s.Size, later(last, s.LastWrite)
	}
	return bytes, last, err
}

// streamName is the stream that a file in the service's directory, live or rotated part, belongs to.
func streamName(dir, path string) (string, bool) {
	rel, err := filepath.Rel(dir, path)
	if err != nil {
		return "", false
	}
	_, file, _ := strings.Cut(filepath.ToSlash(rel), "/") // the group
	name, part, ok := strings.Cut(file, ".log")
	return name, ok && !strings.HasPrefix(part, ".cut-")
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// Find returns the newest service that has or had this name and left logs, the one whose events begin last.
// ErrNotFound if there is none.
func (l *Logs) Find(name string) (Service, error) {
	if !nameForm().MatchString(name) {
		return Service{}, fmt.Errorf("service %q: %w", name, errName)
	}
	entries, err := os.ReadDir(filepath.Join(l.dir, name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Service{}, fmt.Errorf("find logs of service %s: %w", name, err)
	}
	var newest Service
	var newestBegan time.Time
	for _, e := range entries {
		began := l.began(filepath.Join(l.dir, name, e.Name()))
		if e.IsDir() && (newest.ID == "" || began.After(newestBegan)) {
			newest, newestBegan = Service{Name: name, ID: e.Name()}, began
		}
	}
	if newest.ID == "" {
		return Service{}, fmt.Errorf("service %q: %w", name, ErrNotFound)
	}
	return newest, nil
}

// began reads the time of the oldest event. A service without events is as old as its directory.
func (l *Logs) began(dir string) time.Time {
	events := filepath.Join(dir, "service", "events.log")
	for part := l.cfg.Keep; part >= 0; part-- {
		name := events
		if part > 0 {
			name = partName(events, part)
		}
		if at, ok := firstTime(name); ok {
			return at
		}
	}
	if info, err := os.Stat(dir); err == nil {
		return info.ModTime()
	}
	return time.Time{}
}

// firstTime is the first time stamp in a file's first two lines: the first may be a fragment.
func firstTime(name string) (time.Time, bool) {
	f, err := os.Open(name)
	if err != nil {
		return time.Time{}, false
	}
	defer f.Close()
	head, _ := io.ReadAll(io.LimitReader(f, 2*maxText)) // what can't be read has no time
	first, second, _ := strings.Cut(string(head), "\n")
	for _, line := range []string{first, second} {
		stamp, _, _ := strings.Cut(line, " ")
		if at, err := time.Parse(timeForm, stamp); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}
