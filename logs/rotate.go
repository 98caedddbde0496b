package logs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	rotateEvery = 2 * time.Second
	sweepEvery  = time.Minute
)

// Run rotates streams over Config.MaxSize and removes what the limits say, until ctx is done. A failure is logged and
// tried again; it returns nil. Between two looks, two seconds, a file may grow past the limit by what is written.
func (l *Logs) Run(ctx context.Context) error {
	rotate, sweep := time.NewTicker(rotateEvery), time.NewTicker(sweepEvery)
	defer rotate.Stop()
	defer sweep.Stop()
	for {
		if err := l.rotateAll(ctx); err != nil {
			l.log.Error("rotate logs", "error", err)
		}
		select {
		case <-rotate.C:
		case <-sweep.C:
			if err := l.sweep(ctx, time.Now()); err != nil {
				l.log.Error("remove old logs", "error", err)
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// rotateAll ends the rotations that a crash has cut off, and then rotates what is too big: the other way round the
// parts would be in the wrong order.
func (l *Logs) rotateAll(ctx context.Context) error {
	cuts, big, err := l.scan(ctx)
	errs := []error{err}
	for _, part := range cuts {
		errs = append(errs, l.resume(part))
	}
	for _, path := range big {
		if err := l.rotate(path); err != nil && !errors.Is(err, fs.ErrNotExist) { // removed meanwhile
			errs = append(errs, fmt.Errorf("rotate %s: %w", path, err))
		}
	}
	return errors.Join(errs...)
}

// scan finds the parts whose cut is due, and the live files over the limit.
func (l *Logs) scan(ctx context.Context) (cuts, big []string, err error) {
	err = filepath.WalkDir(l.dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return fs.SkipAll
		case errors.Is(err, fs.ErrNotExist):
			return nil // removed meanwhile
		case err != nil:
			return err
		case isCut(path):
			cuts = append(cuts, path)
		case strings.HasSuffix(path, ".log"):
			if info, err := d.Info(); err == nil && info.Size() > l.cfg.MaxSize {
				big = append(big, path)
			}
		}
		return nil
	})
	return cuts, big, err
}

// rotate moves the oldest MaxSize bytes of the live file into part .1, again and again until it is small enough.
//
// The writer has the file open for its whole life and may be no friend of ours, so the file keeps its name and inode
// and loses its front: with FALLOC_FL_COLLAPSE_RANGE (ext4, XFS) in one step that the kernel orders against writes,
// so that no byte is lost or doubled. Other file systems get copy and truncate: what the writer appends between the
// last read and the truncation, microseconds apart, is lost.
//
// The order survives kill -9: the part is whole and on disk, under a name that says that its cut is due, before the
// cut; resume finds it.
func (l *Logs) rotate(path string) error {
	unlock, err := l.lock(unix.LOCK_EX)
	if err != nil {
		return err
	}
	defer unlock()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	for {
		info, err := f.Stat()
		if err != nil {
			return err
		}
		length := l.cutLength(info.Size())
		if length == 0 {
			return nil
		}
		err = l.cutFront(f, info.Size(), length)
		if errors.Is(err, unix.ENOSPC) {
			err = errors.Join(err, l.dropOldest(f.Name())) // makes room for the next try
		}
		if err != nil {
			return err
		}
	}
}

// cutLength is how much of a live file of this size is to be cut off now. In place it is a number of blocks, and
// something must remain; a limit under one block is one block.
func (l *Logs) cutLength(size int64) int64 {
	switch {
	case size <= l.cfg.MaxSize:
		return 0
	case l.block == 0:
		return size
	}
	length := max(l.cfg.MaxSize/l.block, 1) * l.block
	if length >= size {
		return 0
	}
	return length
}

// cutFront makes a part of the first length bytes of the live file, whose size is size.
func (l *Logs) cutFront(f *os.File, size, length int64) error {
	inPlace := l.block > 0
	part := fmt.Sprintf("%s.cut-%d", f.Name(), size)
	if err := copyPart(f, part, length, !inPlace); err != nil {
		return err
	}
	var err error
	if inPlace {
		err = collapse(f, length)
	} else {
		err = f.Truncate(0)
	}
	if err != nil {
		return errors.Join(err, os.Remove(part))
	}
	return l.shift(f.Name(), part)
}

// copyPart copies the first length bytes to the file named part, to disk. With all it goes on until there are no more.
func copyPart(f *os.File, part string, length int64, all bool) error {
	temp := part + ".tmp"
	out, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	if _, err = io.Copy(out, io.NewSectionReader(f, 0, length)); err == nil {
		err = out.Sync()
	}
	for n := int64(1); all && err == nil && n > 0; length += n {
		n, err = io.Copy(out, io.NewSectionReader(f, length, 1<<40))
	}
	if err == nil {
		err = os.Rename(temp, part)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	return nil
}

// shift makes part the newest one, .1, and drops the oldest if there are too many. It moves only the parts before the
// first gap, which a crash in an earlier shift has left, so that it closes it.
func (l *Logs) shift(live, part string) error {
	gap := 1
	for gap < l.cfg.Keep && exists(partName(live, gap)) {
		gap++
	}
	for n := gap; n > 1; n-- {
		if err := os.Rename(partName(live, n-1), partName(live, n)); err != nil {
			return err
		}
	}
	return os.Rename(part, partName(live, 1))
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// dropOldest removes the oldest part there is.
func (l *Logs) dropOldest(live string) error {
	for n := l.cfg.Keep; n > 0; n-- {
		if err := os.Remove(partName(live, n)); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func partName(live string, n int) string { return live + "." + strconv.Itoa(n) }

func isCut(path string) bool {
	return strings.Contains(filepath.Base(path), ".log.cut-")
}

// resume ends a rotation that was cut off after its part was written. Whether the front was cut off the live file is
// seen by comparing: if it still begins with the part, and has not become shorter, it was not. What a crash leaves
// before that point is a temporary file without meaning.
func (l *Logs) resume(part string) error {
	unlock, err := l.lock(unix.LOCK_EX)
	if err != nil {
		return err
	}
	defer unlock()
	live, before, ok := strings.Cut(part, ".cut-")
	if strings.HasSuffix(part, ".tmp") || !ok {
		return os.Remove(part)
	}
	f, err := os.OpenFile(live, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return l.shift(live, part)
	}
	if err != nil {
		return err
	}
	defer f.Close()
	length, uncut, err := beginsWith(f, part, before)
	if err != nil {
		return fmt.Errorf("resume rotation of %s: %w", live, err)
	}
	if uncut && l.block > 0 {
		if err := collapse(f, length); err != nil {
			return fmt.Errorf("resume rotation of %s: %w", live, err)
		}
	} else if uncut {
		return os.Remove(part) // the next look rotates anew
	}
	l.log.Info("ended a log rotation that was cut off", slog.String("path", live))
	return l.shift(live, part)
}

// beginsWith reports whether the live file, of at least the size it had, still begins with part; and part's length.
func beginsWith(live *os.File, part, before string) (int64, bool, error) {
	size, err := strconv.ParseInt(before, 10, 64)
	if err != nil {
		return 0, false, err
	}
	p, err := os.Open(part)
	if err != nil {
		return 0, false, err
	}
	defer p.Close()
	liveInfo, err1 := live.Stat()
	partInfo, err2 := p.Stat()
	if err := errors.Join(err1, err2); err != nil {
		return 0, false, err
	}
	length := partInfo.Size()
	if liveInfo.Size() < size || liveInfo.Size() < length {
		return length, false, nil
	}
	same, err := sameBytes(p, io.NewSectionReader(live, 0, length))
	return length, same, err
}

// sameBytes compares two readers of the same length.
func sameBytes(a, b io.Reader) (bool, error) {
	bufA, bufB := make([]byte, 64<<10), make([]byte, 64<<10)
	for {
		n, errA := io.ReadFull(a, bufA)
		m, errB := io.ReadFull(b, bufB)
		if !bytes.Equal(bufA[:n], bufB[:m]) {
			return false, nil
		}
		switch {
		case errA == io.EOF || errA == io.ErrUnexpectedEOF:
			return true, nil
		case errA != nil || errB != nil:
			return false, errors.Join(errA, errB)
		}
	}
}
