package source

import (
	"bufio"
	"compress/zlib"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v6/plumbing"
	"github.com/go-git/go-git/v6/plumbing/format/idxfile"
	packutil "github.com/go-git/go-git/v6/plumbing/format/packfile/util"
)

// measured is a pack that somebody else wrote. Packs of mirrors were measured while they arrived; of the others go-git
// inflates each object in full before it says how large it is, so its header is looked at first.
type measured struct {
	index *idxfile.MemoryIndex
	pack  *os.File
}

// measure opens all packs of a repository on this machine.
func (o *objects) measure(dir string) error {
	list, err := filepath.Glob(filepath.Join(dir, "objects", "pack", "pack-*.idx"))
	if err != nil {
		return err
	}
	for _, path := range list {
		m := measured{index: idxfile.NewMemoryIndex(sha1.Size)}
		err := readIndex(path, m.index)
		if err == nil {
			m.pack, err = os.Open(strings.TrimSuffix(path, ".idx") + ".pack")
		}
		if errors.Is(err, os.ErrNotExist) {
			continue // put together anew meanwhile
		}
		if err != nil {
			return fmt.Errorf("read the pack %s: %w", filepath.Base(path), err)
		}
		o.packs = append(o.packs, m)
	}
	return nil
}

func readIndex(path string, into *idxfile.MemoryIndex) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return idxfile.NewDecoder(f, sha1.New()).Decode(into)
}

// fits refuses an object that is larger than any that apron fetches, or made of such.
func (o *objects) fits(id plumbing.Hash, limit int64) error {
	for _, m := range o.packs {
		at, err := m.index.FindOffset(id)
		if err != nil {
			continue
		}
		for steps := 0; ; steps++ {
			e, result, err := m.head(at)
			if err != nil {
				return fmt.Errorf("read the object %s: %w", id, err)
			}
			if n := max(e.size, result); n > limit {
				return tooLarge("one file in it has "+size(n), limit)
			}
			if !e.delta() {
				return nil
			}
			if limit, at = min(limit, maxDelta), e.base; e.kind == plumbing.REFDeltaObject {
				if at, err = m.index.FindOffset(e.baseID); err != nil {
					return damaged("it has a difference to an object that it does not have")
				}
			}
			if steps > 4095 { // git's own limit
				return damaged("a difference of differences without end")
			}
		}
	}
	return nil
}

// head reads what stands before an object's content, and for a difference the size of what it makes.
func (m measured) head(at int64) (e entry, result int64, err error) {
	r := bufio.NewReaderSize(io.NewSectionReader(m.pack, at, 1<<40), 512)
	first, err := r.ReadByte()
	if err != nil {
		return e, 0, err
	}
	n, err := packutil.VariableLengthSize(first, r)
	if e.at, e.kind, e.size = at, packutil.ObjectType(first), int64(n); err != nil || e.size < 0 {
		return e, 0, errors.Join(err, damaged("an object of %d bytes", n))
	}
	if err := readBase(r, &e); err != nil || !e.delta() {
		return e, 0, err
	}
	z, err := zlib.NewReader(r)
	if err != nil {
		return e, 0, err
	}
	head, err := io.ReadAll(io.LimitReader(z, 20))
	if err != nil {
		return e, 0, err
	}
	result, err = resultSize(head)
	return e, result, err
}
