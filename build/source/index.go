package source

import (
	"bytes"
	"compress/zlib"
	"context"
	"crypto/sha1"
	"fmt"
	"io"
	"slices"

	"github.com/go-git/go-git/v6/plumbing"
	"github.com/go-git/go-git/v6/plumbing/format/config"
	"github.com/go-git/go-git/v6/plumbing/format/idxfile"
	"github.com/go-git/go-git/v6/plumbing/format/packfile"
	"github.com/go-git/go-git/v6/plumbing/format/revfile"
)

// maxHeld is how many bytes of objects may be in memory because differences to them are still to be made: chains hold two
// at a time, and only what branches at every step holds more.
const maxHeld = 384 << 20

// indexer finds the ids of the objects that are sent as differences. It holds few of them at a time, whatever their number.
type indexer struct {
	pack     io.ReaderAt
	entries  []entry
	byOffset map[int64][]int         // differences by where their base is
	byID     map[plumbing.Hash][]int // or by its id
	left     int
	held     int64
}

// step is an object whose differences are being made.
type step struct {
	content  []byte
	children []int
	kind     plumbing.ObjectType
}

func newIndexer(pack io.ReaderAt, entries []entry) *indexer {
	x := &indexer{pack: pack, entries: entries, byOffset: map[int64][]int{}, byID: map[plumbing.Hash][]int{}}
	for i := range entries {
		switch e := &entries[i]; e.kind {
		case plumbing.OFSDeltaObject:
			x.byOffset[e.base] = append(x.byOffset[e.base], i)
			x.left++
		case plumbing.REFDeltaObject:
			x.byID[e.baseID] = append(x.byID[e.baseID], i)
			x.left++
		}
	}
	return x
}

// resolve makes all that stands on objects of the pack itself.
func (x *indexer) resolve(ctx context.Context) error {
	for i := 0; i < len(x.entries) && x.left > 0; i++ {
		e := &x.entries[i]
		if e.base != 0 || !e.baseID.IsZero() || len(x.byOffset[e.at]) == 0 && len(x.byID[e.id]) == 0 {
			continue
		}
		if e.size > maxDelta {
			return tooLarge("one file in it that others are sent as differences to has "+size(e.size), maxDelta)
		}
		content, err := x.inflate(e)
		if err != nil {
			return err
		}
		if err := x.descend(ctx, e, content); err != nil {
			return err
		}
	}
	return nil
}

// children takes the differences to an object, so that each is made once.
func (x *indexer) children(e *entry) []int {
	list := slices.Concat(x.byOffset[e.at], x.byID[e.id])
	delete(x.byOffset, e.at)
	delete(x.byID, e.id)
	return list
}

// descend makes all that stands on one object that was sent whole.
func (x *indexer) descend(ctx context.Context, root *entry, content []byte) error {
	children := x.children(root)
	stack := []step{{content, children, root.kind}}
	x.held = int64(len(content))
	for len(stack) > 0 {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		top := &stack[len(stack)-1]
		if len(top.children) == 0 {
			stack = stack[:len(stack)-1]
			continue
		}
		next, err := x.make(top)
		if err != nil {
			return err
		}
		if len(next.children) > 0 {
			stack = append(stack, next)
		}
	}
	return nil
}

// make makes the next difference of an object, which is let go of with its last.
func (x *indexer) make(on *step) (step, error) {
	e := &x.entries[on.children[0]]
	base := on.content
	if on.children = on.children[1:]; len(on.children) == 0 {
		on.content = nil
		x.held -= int64(len(base))
	}
	delta, err := x.inflate(e)
	if err != nil {
		return step{}, err
	}
	content, err := packfile.PatchDelta(base, delta)
	if err != nil {
		return step{}, damaged("the difference at %d: %v", e.at, err)
	}
	h := plumbing.NewHasher(config.SHA1, on.kind, int64(len(content)))
	_, _ = h.Write(content) // hashes do not fail
	e.id, e.kind = h.Sum(), on.kind
	x.left--
	children := x.children(e)
	if len(children) > 0 {
		x.held += int64(len(content))
	}
	if x.held > maxHeld {
		return step{}, tooLarge("its differences branch so much that they need more memory", maxHeld)
	}
	return step{content, children, on.kind}, nil
}

// inflate reads the content of an object that the scanner has measured.
func (x *indexer) inflate(e *entry) ([]byte, error) {
	z, err := zlib.NewReader(io.NewSectionReader(x.pack, e.content, 1<<62))
	if err != nil {
		return nil, fmt.Errorf("read the pack: %w", err)
	}
	b := bytes.NewBuffer(make([]byte, 0, e.size))
	if _, err := io.Copy(b, io.LimitReader(z, e.size)); err != nil {
		return nil, fmt.Errorf("read the pack: %w", err)
	}
	return b.Bytes(), nil
}

// indexOf gives the files that stand beside a pack: where each object is, by id and by place.
func indexOf(entries []entry, sum plumbing.Hash) (idx, rev []byte, err error) {
	var w idxfile.Writer
	if err := w.OnHeader(uint32(len(entries))); err != nil {
		return nil, nil, err
	}
	for _, e := range entries {
		w.Add(e.id, uint64(e.at), e.crc)
	}
	if err := w.OnFooter(sum); err != nil {
		return nil, nil, err
	}
	index, err := w.Index()
	if err != nil {
		return nil, nil, err
	}
	var i, r bytes.Buffer
	if err := idxfile.Encode(&i, sha1.New(), index); err != nil {
		return nil, nil, err
	}
	if err := revfile.Encode(&r, sha1.New(), index); err != nil {
		return nil, nil, err
	}
	return i.Bytes(), r.Bytes(), nil
}
