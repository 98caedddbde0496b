package operation

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"

	"apron/build"
)

// relieve makes room when a step has met a full disk, and has its error say so: the next try may find enough.
func (r *run) relieve(ctx context.Context, err error) error {
	if !isFull(err) {
		return err
	}
	r.log.Warn("a step met a full disk", "error", r.reason(err))
	text := "Nothing was left on the disk of the data directory that can be made again; delete services or images that were pushed, or enlarge " +
		"the disk. `apron df` shows what takes the space."
	if freed := r.cfg.Relieve(ctx); freed > 0 {
		text = fmt.Sprintf("The disk of the data directory was full; %d MiB of what can be made again were removed then. If that is not enough, "+
			"delete services or images that were pushed, or enlarge the disk. `apron df` shows what takes the space.", (freed+1<<20-1)>>20)
	}
	return said{strings.TrimSuffix(err.Error(), ".") + ". " + text, err}
}

func isFull(err error) bool {
	for _, full := range []error{syscall.ENOSPC, syscall.EDQUOT, build.ErrDisk} {
		if errors.Is(err, full) {
			return true
		}
	}
	return false
}
