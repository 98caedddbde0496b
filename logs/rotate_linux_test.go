package logs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// whole reads parts and live file of a stream, oldest first.
func whole(t *testing.T, l *Logs, live string) []byte {
	t.Helper()
	var all []byte
	for n := l.cfg.Keep; n >= 0; n-- {
		name := live
		if n > 0 {
			name = partName(live, n)
		}
		b, err := os.ReadFile(name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	return all
}

func TestRotate_WhileAProcessWritesLosesNoByte(t *testing.T) {
	l := openLogs(t, t.TempDir(), Config{MaxSize: 256 << 10, Keep: 1000})
	if l.block == 0 {
		t.Skip("the file system of the temporary directory can't cut files in place; copy and truncate may lose bytes")
	}
	path, err := l.InstancePath(web, "1a")
	must(t, err)
	out, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	must(t, err)
	const lines = 100_000
	instance := process(t, "instance", fmt.Sprint("LOGS_TEST_LINES=", lines))
	instance.Stdout = out
	must(t, instance.Start())
	out.Close()

	f := startFollow(t, l, 0, "instance/")
	ended := make(chan error, 1)
	go func() { ended <- instance.Wait() }()
	for running := true; running; {
		must(t, l.rotateAll(t.Context()))
		select {
		case err := <-ended:
			must(t, err)
			running = false
		case <-time.After(time.Millisecond):
		}
	}
	got, want := whole(t, l, path), numberedUpTo(lines)
	if !bytes.Equal(got, want) {
		t.Errorf("%d bytes kept, %d written", len(got), len(want))
	}
	if _, err := os.Stat(partName(path, 10)); err != nil {
		t.Errorf("rotated less than ten times: %v", err)
	}
	last := numbered(lines - 1)
	eventually(t, "all is followed", func() bool { return strings.HasSuffix(f.String(), last) })
	checkFollowed(t, f.stop(t), want)
}

func TestRotate_KilledAgainAndAgainLosesNoByte(t *testing.T) {
	dir := t.TempDir()
	l := openLogs(t, dir, Config{MaxSize: 128 << 10, Keep: 1000})
	if l.block == 0 {
		t.Skip("the file system of the temporary directory can't cut files in place; copy and truncate may lose bytes")
	}
	path, err := l.InstancePath(web, "1a")
	must(t, err)
	out, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	must(t, err)
	const lines = 100_000
	instance := process(t, "instance", fmt.Sprint("LOGS_TEST_LINES=", lines))
	instance.Stdout = out
	must(t, instance.Start())
	out.Close()
	ended := make(chan error, 1)
	go func() { ended <- instance.Wait() }()
	kills, interrupted := 0, 0
	for running := true; running; kills++ {
		rotator := process(t, "rotator", "LOGS_TEST_DIR="+dir)
		must(t, rotator.Start())
		select {
		case err := <-ended:
			must(t, err)
			running = false
		case <-time.After(time.Duration(20+kills%17) * time.Millisecond):
		}
		must(t, rotator.Process.Kill())
		rotator.Wait()
		if left, _ := filepath.Glob(path + ".cut-*"); len(left) > 0 {
			interrupted++
		}
	}
	must(t, l.rotateAll(t.Context()))
	parts, err := filepath.Glob(path + ".*")
	must(t, err)
	if !exists(partName(path, len(parts))) {
		t.Errorf("%d parts with a gap: %v", len(parts), parts)
	}
	got, want := whole(t, l, path), numberedUpTo(lines)
	if !bytes.Equal(got, want) {
		t.Errorf("%d bytes kept, %d written, after %d kills", len(got), len(want), kills)
	}
	t.Logf("%d kills, %d of them in the middle of a rotation", kills, interrupted)
}

// checkFollowed wants every line after the first that Follow happened to see, each once.
func checkFollowed(t *testing.T, followed string, want []byte) {
	t.Helper()
	got := strings.ReplaceAll(followed, "instance/1a ", "")
	if len(got) < len(want)/10 {
		t.Fatalf("followed %d bytes of %d", len(got), len(want))
	}
	if !strings.HasSuffix(string(want), got) {
		t.Errorf("what was followed is not an end of what was written: %d bytes of %d", len(got), len(want))
	}
}

func TestRotate_CopiesAndTruncatesWhereItMust(t *testing.T) {
	l := openLogs(t, t.TempDir(), Config{MaxSize: 1000, Keep: 3})
	l.block = 0 // as on tmpfs
	path, err := l.InstancePath(web, "1a")
	must(t, err)
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	must(t, err)
	defer f.Close()
	want := numberedUpTo(40)
	for len(want) > 0 {
		n := min(len(want), 700)
		_, err := f.Write(want[:n])
		must(t, err)
		want = want[n:]
		must(t, l.rotateAll(t.Context()))
	}
	if got := whole(t, l, path); !bytes.Equal(got, numberedUpTo(40)) {
		t.Errorf("%d bytes kept, want %d", len(got), len(numberedUpTo(40)))
	}
}

func TestProbe_KnowsWhatTmpfsCannotDo(t *testing.T) {
	var st unix.Statfs_t
	if err := unix.Statfs("/dev/shm", &st); err != nil || st.Type != unix.TMPFS_MAGIC {
		t.Skip("no tmpfs at /dev/shm")
	}
	dir, err := os.MkdirTemp("/dev/shm", "logs-test-")
	must(t, err)
	defer os.RemoveAll(dir)
	l := openLogs(t, dir, Config{MaxSize: 100})
	if l.block != 0 {
		t.Errorf("block %d on tmpfs", l.block)
	}
	for range 10 {
		must(t, l.Event(web, ResumeStarted))
		must(t, l.rotateAll(t.Context()))
	}
	if lines := tail(t, l, EventsStream, 100); len(lines) < 6 {
		t.Errorf("%d lines", len(lines))
	}
}

func TestRotate_KeepsSoManyPartsAndNoMore(t *testing.T) {
	l := openLogs(t, t.TempDir(), Config{MaxSize: 4096, Keep: 2})
	path, err := l.InstancePath(web, "1a")
	must(t, err)
	must(t, os.WriteFile(path, numberedUpTo(2000), 0o600))
	must(t, l.rotateAll(t.Context()))
	files, err := filepath.Glob(path + "*")
	must(t, err)
	if want := []string{path, path + ".1", path + ".2"}; fmt.Sprint(files) != fmt.Sprint(want) {
		t.Errorf("files %v", files)
	}
	if kept := whole(t, l, path); !bytes.HasSuffix(numberedUpTo(2000), kept) {
		t.Error("what is kept is not the end of what was written")
	}
}

func TestRotate_CutOffByACrashIsEndedOnce(t *testing.T) {
	for _, crash := range []string{"before the cut", "after the cut", "while copying"} {
		t.Run(crash, func(t *testing.T) {
			l := openLogs(t, t.TempDir(), Config{MaxSize: 8192, Keep: 10})
			if l.block == 0 {
				t.Skip("the file system of the temporary directory can't cut files in place")
			}
			path, err := l.InstancePath(web, "1a")
			must(t, err)
			want := numberedUpTo(300)
			must(t, os.WriteFile(path, want, 0o600))
			f, err := os.OpenFile(path, os.O_RDWR, 0)
			must(t, err)
			defer f.Close()
			part := fmt.Sprintf("%s.cut-%d", path, len(want))
			switch crash {
			case "while copying":
				must(t, os.WriteFile(part+".tmp", want[:100], 0o600))
			case "before the cut":
				must(t, copyPart(f, part, 8192, false))
			case "after the cut":
				must(t, copyPart(f, part, 8192, false))
				must(t, collapse(f, 8192))
			}
			for range 2 {
				must(t, l.rotateAll(t.Context()))
			}
			if got := whole(t, l, path); !bytes.Equal(got, want) {
				t.Errorf("%d bytes kept, %d written", len(got), len(want))
			}
			if left, _ := filepath.Glob(path + ".cut*"); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestSweep_RemovesOldStreamsThatNobodyHolds(t *testing.T) {
	l := openLogs(t, t.TempDir(), Config{MaxTotal: 3000, MaxAge: 24 * time.Hour})
	now := time.Now()
	make1 := func(id string, size int, age time.Duration) string {
		path, err := l.InstancePath(web, id)
		must(t, err)
		must(t, os.WriteFile(path, bytes.Repeat([]byte("x"), size), 0o600))
		must(t, os.Chtimes(path, now.Add(-age), now.Add(-age)))
		return path
	}
	must(t, l.Event(web, CreateStarted))
	events, _ := l.path(web, EventsStream)
	must(t, os.Chtimes(events, now.Add(-9999*time.Hour), now.Add(-9999*time.Hour)))
	make1("ancient", 10, 48*time.Hour)
	held := make1("held", 10, 48*time.Hour)
	make1("big", 2000, 3*time.Hour)
	make1("later", 2000, 2*time.Hour)
	make1("fresh", 2000, time.Minute)

	silent := make1("silent", 0, 48*time.Hour)
	out, err := os.OpenFile(held, os.O_APPEND|os.O_WRONLY, 0)
	must(t, err)
	defer out.Close() // as an instance does

	must(t, l.sweep(t.Context(), now))
	streams, err := l.Streams(web)
	must(t, err)
	var names []string
	for _, s := range streams {
		names = append(names, s.Name)
	}
	if want := "[events instance/fresh instance/held]"; fmt.Sprint(names) != want {
		t.Errorf("left: %v, want %s", names, want)
	}
	if _, err := os.Stat(silent); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the empty file is left: %v", err)
	}
}

func TestRotate_OnAFullDiskMakesRoomAndGoesOn(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Skipf("can't mount a small file system: %v", err)
	}
	t.Cleanup(func() { must(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	l := openLogs(t, dir, Config{MaxSize: 64 << 10, Keep: 3})
	path, err := l.InstancePath(web, "1a")
	must(t, err)
	must(t, os.WriteFile(partName(path, 1), make([]byte, 40<<10), 0o600))
	must(t, os.WriteFile(partName(path, 2), make([]byte, 80<<10), 0o600))
	must(t, os.WriteFile(path, make([]byte, 100<<10), 0o600))
	if err := l.rotateAll(t.Context()); !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	must(t, l.rotateAll(t.Context()))
	if info, err := os.Stat(path); err != nil || info.Size() != 0 {
		t.Errorf("live file: %v, %v", info, err)
	}
}

func TestRun_RotatesByItselfAndEndsWithItsContext(t *testing.T) {
	l := openLogs(t, t.TempDir(), Config{MaxSize: 4096})
	path, err := l.InstancePath(web, "1a")
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	must(t, os.WriteFile(path, numberedUpTo(500), 0o600))
	eventually(t, "the live file is small", func() bool {
		info, err := os.Stat(path)
		return err == nil && info.Size() <= 8192
	})
	cancel()
	must(t, <-ended)
}
