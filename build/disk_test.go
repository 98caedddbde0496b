package build

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

func TestFull_IsADiskWithoutBytesOrWithoutInodes(t *testing.T) {
	const gib = 1 << 18 // blocks of 4 KiB
	for name, c := range map[string]struct {
		disk unix.Statfs_t
		want bool
	}{
		"room":                {unix.Statfs_t{Bsize: 4096, Bavail: gib, Files: 100_000, Ffree: 90_000}, false},
		"no bytes":            {unix.Statfs_t{Bsize: 4096, Bavail: gib / 8, Files: 100_000, Ffree: 90_000}, true},
		"no inodes":           {unix.Statfs_t{Bsize: 4096, Bavail: gib, Files: 100_000, Ffree: 1000}, true},
		"none that it counts": {unix.Statfs_t{Bsize: 4096, Bavail: gib}, false},
	} {
		if err := full(c.disk); errors.Is(err, ErrDisk) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}
