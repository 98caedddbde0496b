package image

import (
	"bufio"
	"errors"
	"fmt"
	"io"

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
	err := confined(root, func() error { return unpack(r) })
	if err == nil {
		_, err = io.Copy(io.Discard, r) // the filter's end, and its error if it had one
	}
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
