package source

import (
	"bytes"
	"cmp"
	"compress/zlib"
	"context"
	"crypto/sha1"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"os"
	"slices"

	"github.com/go-git/go-git/v6/plumbing"
)

// complete makes a pack whole whose differences are to objects that are here already, as servers send it where they leave
// out what the other side has: those objects are added to it, so that each pack can be read by itself.
func complete(ctx context.Context, f *os.File, entries []entry, sum plumbing.Hash, here *objects) ([]entry, plumbing.Hash, error) {
	x := newIndexer(f, entries)
	if err := x.resolve(ctx); err != nil || x.left == 0 {
		return entries, sum, err
	}
	var added []entry
	end, err := f.Seek(-int64(sum.Size()), io.SeekEnd)
	if err != nil {
		return nil, sum, fmt.Errorf("complete the pack: %w", err)
	}
	for _, id := range slices.SortedFunc(maps.Keys(x.byID), func(a, b plumbing.Hash) int { return cmp.Compare(a.String(), b.String()) }) {
		if x.byID[id] == nil {
			continue // made meanwhile
		}
		e, content, err := addBase(f, end, id, here)
		if err != nil {
			return nil, sum, err
		}
		if err := x.descend(ctx, &e, content); err != nil {
			return nil, sum, err
		}
		added, end = append(added, e), e.content
	}
	if x.left > 0 {
		return nil, sum, damaged("it has %d differences to objects that it does not have", x.left)
	}
	entries = append(x.entries, added...)
	sum, err = seal(f, end, len(entries))
	return entries, sum, err
}

// addBase writes an object at the end of a pack. The entry's content is where the next may begin.
func addBase(f *os.File, at int64, id plumbing.Hash, here *objects) (entry, []byte, error) {
	obj, err := here.get(plumbing.AnyObject, id)
	if err != nil {
		return entry{}, nil, err
	}
	content, err := here.read(obj.Type(), id, maxDelta)
	if err != nil {
		return entry{}, nil, err
	}
	var b bytes.Buffer
	head, n := byte(obj.Type())<<4|byte(len(content)&0x0f), len(content)>>4
	for ; n > 0; n >>= 7 {
		b.WriteByte(head | 0x80)
		head = byte(n & 0x7f)
	}
	b.WriteByte(head)
	z := zlib.NewWriter(&b)
	_, _ = z.Write(content) // into memory
	_ = z.Close()
	if _, err := f.WriteAt(b.Bytes(), at); err != nil {
		return entry{}, nil, fmt.Errorf("complete the pack: %w", err)
	}
	return entry{at: at, content: at + int64(b.Len()), id: id, kind: obj.Type(), crc: crc32.ChecksumIEEE(b.Bytes())}, content, nil
}

// seal writes the number of objects and the checksum anew.
func seal(f *os.File, end int64, count int) (sum plumbing.Hash, err error) {
	var n [4]byte
	binary.BigEndian.PutUint32(n[:], uint32(count))
	h := sha1.New()
	if _, err = f.WriteAt(n[:], 8); err == nil {
		_, err = io.Copy(h, io.NewSectionReader(f, 0, end))
	}
	if err == nil {
		_, err = f.WriteAt(h.Sum(nil), end)
	}
	if err != nil {
		return sum, fmt.Errorf("complete the pack: %w", err)
	}
	sum, _ = plumbing.FromBytes(h.Sum(nil))
	return sum, nil
}
