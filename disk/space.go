package disk

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Space is how full a file system is.
type Space struct {
	Total     int64 // bytes that can be used at all: what is reserved for root is left out
	Used      int64
	Available int64

	files, filesUsed int64 // 0 where the file system does not count them
}

// Percent is the share that is used, rounded up as df does: of the bytes or of the files, whichever is more. A file system
// without room for another file is as full as one without a byte.
func (s Space) Percent() int { return max(percent(s.Used, s.Total), percent(s.filesUsed, s.files)) }

func percent(used, total int64) int {
	if total <= 0 {
		return 0
	}
	return int((used*100 + total - 1) / total)
}

// over is how many bytes are used above the mark; where it is the files that are too many, as many bytes as they take on
// average.
func (s Space) over(mark int) int64 {
	bytes := s.Used - s.Total*int64(mark)/100
	files := s.filesUsed - s.files*int64(mark)/100
	if s.files > 0 && files > 0 && s.filesUsed > 0 {
		bytes = max(bytes, 1, int64(float64(s.Used)*float64(files)/float64(s.filesUsed)))
	}
	return bytes
}

func spaceOf(dir string) (Space, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return Space{}, fmt.Errorf("look how full the disk of %s is: %w", dir, err)
	}
	size := int64(s.Bsize)
	used := int64(s.Blocks-s.Bfree) * size
	available := int64(s.Bavail) * size
	return Space{
		Total: used + available, Used: used, Available: available,
		files: int64(s.Files), filesUsed: int64(s.Files - s.Ffree),
	}, nil
}
