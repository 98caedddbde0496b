package build

import (
	"os"

	"golang.org/x/sys/unix"
)

// giveBack frees the first n bytes of a file on the disk; they read as zeros afterwards. A file system that cannot keeps them.
func giveBack(f *os.File, n int64) {
	_ = unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 0, n)
}
