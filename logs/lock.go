package logs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// lockWait is far more than a rotation, the longest holder, takes.
const lockWait = 30 * time.Second

// lock holds the directory's lock file, which orders rotation against readers in any process; writers never take it.
// how is unix.LOCK_SH for readers, unix.LOCK_EX for rotation. A process that dies lets go of it.
func (l *Logs) lock(how int) (unlock func(), err error) {
	f, err := l.openLock()
	if err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(lockWait); ; <-time.After(5 * time.Millisecond) {
		err = unix.Flock(int(f.Fd()), how|unix.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.EWOULDBLOCK) || time.Now().After(deadline) {
			f.Close()
			return nil, fmt.Errorf("lock %s against log rotation: %w", f.Name(), err)
		}
	}
}

func (l *Logs) openLock() (*os.File, error) {
	return os.OpenFile(filepath.Join(l.dir, ".lock"), os.O_RDWR|os.O_CREATE, 0o600)
}
