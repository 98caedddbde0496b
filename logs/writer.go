package logs

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// AccessStream is the stream of a service's requests, one line of JSON each, among those of the application.
const AccessStream = "access"

// Writer writes a stream that servers alone write: one process, or two for a while amid an upgrade. It keeps the file
// open and rotates it by its name, which costs nothing however fast lines come. Its methods must not be called at the same
// time.
type Writer struct {
	logs *Logs
	svc  Service
	path string
	file *os.File
}

// AccessLog opens the service's access log. Nothing is made until the first line.
func (l *Logs) AccessLog(svc Service) (*Writer, error) {
	path, err := l.path(svc, AccessStream)
	if err != nil {
		return nil, err
	}
	return &Writer{logs: l, svc: svc, path: path}, nil
}

// Write appends whole lines in one write and returns how many bytes of them got there. It blocks for as long as the disk
// does. After an error the next Write begins with a line's end where one is missing.
func (w *Writer) Write(lines []byte) (int, error) {
	n, err := w.write(lines)
	if err != nil {
		_ = w.Close() // whatever state it is in, the next write opens it anew
		return n, fmt.Errorf("write access log of service %s: %w", w.svc.Name, err)
	}
	return n, nil
}

func (w *Writer) write(lines []byte) (int, error) {
	if err := w.open(int64(len(lines))); err != nil {
		return 0, err
	}
	return w.file.Write(lines)
}

// open sees to it that there is a file with room for so many bytes more.
func (w *Writer) open(more int64) error {
	if w.file != nil {
		info, err := w.file.Stat()
		if err != nil {
			return err
		}
		live, err := os.Stat(w.path) // which another process may have rotated, or anybody removed
		same := err == nil && os.SameFile(info, live)
		if same && (info.Size() == 0 || info.Size()+more <= w.logs.cfg.MaxSize || !w.rotate()) {
			return nil
		}
		_ = w.Close() // it holds nothing back
	}
	f, err := openAppend(w.path)
	if err != nil {
		return err
	}
	if err := mend(f); err != nil {
		f.Close()
		return err
	}
	w.file = f
	return nil
}

// rotate makes the live file the newest part. Where somebody reads just now, or Run rotates, it does not wait: the file
// grows by what is written, and the next Write or Run sees to it.
func (w *Writer) rotate() bool {
	unlock, ok := w.logs.tryLock()
	if !ok {
		return false
	}
	defer unlock()
	return w.logs.shift(w.path, w.path) == nil
}

// Close closes the file. Write opens it again.
func (w *Writer) Close() error {
	if w.file == nil {
		return nil
	}
	err := w.file.Close()
	w.file = nil
	return err
}

// tryLock is lock for rotation where that needs no waiting.
func (l *Logs) tryLock() (unlock func(), ok bool) {
	f, err := l.openLock()
	if err != nil {
		return nil, false
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, false
	}
	return func() { f.Close() }, true
}
