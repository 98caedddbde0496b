package image

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"time"

	archive "github.com/moby/go-archive"
	"golang.org/x/sys/unix"
)

// errConfine says that this machine would not let us shut the unpacker in.
var errConfine = errors.New("confine the unpacking of layers: run apron as root with CAP_SYS_CHROOT")

// unpackFiltered lets the filtered stream run into the unpacker, a few hundred kilobytes at a time.
func unpackFiltered(f *filter, root string) error {
	pr, pw := io.Pipe()
	go func() { pw.CloseWithError(guard(func() error { return f.copyTo(pw) })) }()
	r := bufio.NewReaderSize(pr, 256<<10)
	err := confined(root, func() error {
		if err := unpack(r); err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, r); err != nil { // the filter's end, and its error if it had one
			return err
		}
		return settleDirs(f.dirs)
	})
	// Ends the filter where the unpacker gave up, and waits for nothing: its next write fails.
	pr.CloseWithError(errors.Join(err, io.ErrClosedPipe))
	return err
}

// unpack runs with root as the root directory of its thread.
func unpack(r io.Reader) error {
	opts, done, err := archive.WithProcSelfFD(&archive.TarOptions{
		WhiteoutFormat:   archive.OverlayWhiteoutFormat,
		BestEffortXattrs: true,
	})
	if err != nil {
		return fmt.Errorf("%w: %w", errConfine, err)
	}
	defer done()
	if err := errors.Join(unix.Chroot("."), unix.Chdir("/")); err != nil {
		return fmt.Errorf("%w: %w", errConfine, err)
	}
	return archive.Unpack(r, "/", opts)
}

// settleDirs gives directories that have no entry of their own, and so no time, the beginning of time: with that of their
// unpacking, an image made on top of the layer would be another one on each machine. It runs where unpack has.
func settleDirs(dirs map[string]bool) error {
	for name, own := range dirs {
		full := path.Join("/", name)
		if info, err := os.Lstat(full); own || err != nil || !info.IsDir() {
			continue // a link that was there, or replaced meanwhile
		}
		if err := settleTimes(full, time.Unix(0, 0)); err != nil {
			return err
		}
	}
	return nil
}
