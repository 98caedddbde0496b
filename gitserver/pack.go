package gitserver

import (
	"bufio"
	"bytes"
	"context"
	"crypto"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math"
	"os"

	"github.com/go-git/go-git/v6/plumbing"
	"github.com/go-git/go-git/v6/plumbing/format/config"
	"github.com/go-git/go-git/v6/plumbing/format/idxfile"
	packutil "github.com/go-git/go-git/v6/plumbing/format/packfile/util"
	githash "github.com/go-git/go-git/v6/plumbing/hash"
	"github.com/klauspost/compress/zlib"
)

// What a pack may hold. go-git's own parser keeps every delta's result in memory and bounds no object's size, so that a
// few kilobytes could take all there is. Here a size is known, and refused, before anything of it is inflated, and no more
// is in memory than the deltas from a base to the object at hand.
type packLimits struct {
	object int64 // bytes of one whole object
	delta  int64 // of one that is made of a delta, which takes memory
	held   int64 // of objects that are in memory at once to resolve deltas
	chain  int   // deltas, one on another
}

var defaultPackLimits = packLimits{object: maxObject, delta: 128 << 20, held: 256 << 20, chain: 4095} // the last as in git

const (
	maxObject  = 512 << 20
	maxObjects = 2 << 20
)

// smallDeltas is what helps git to send large files whole.
const smallDeltas = "run `git config core.bigFileThreshold 16m`, and push again"

// packEntry is an object of a pack.
type packEntry struct {
	offset, data int64 // where it begins, and where its compressed content does
	size         int64 // of what is compressed: of a delta, the instructions'
	kind         plumbing.ObjectType
	crc          uint32
	hash         plumbing.Hash // zero while it is a delta that nothing has been made of
}

// pack is a pack that nobody has checked yet.
type pack struct {
	file    *os.File
	limits  packLimits
	sum     plumbing.Hash // its own, which git calls it by
	entries []packEntry
	found   map[plumbing.Hash]plumbing.ObjectType

	onOffset map[int64][]int         // deltas by the offset of their base
	onHash   map[plumbing.Hash][]int // deltas by the name of their base
	zr       io.ReadCloser
	at       *bufio.Reader // what inflate reads from
	buffer   []byte        // for copies: a pack has many small objects
	held     int64
}

// readPack checks a pack from its first byte to its last and names all its objects. Faults of the pack are refusals.
func readPack(ctx context.Context, file *os.File, limits packLimits) (*pack, error) {
	p := &pack{
		file: file, limits: limits, found: map[plumbing.Hash]plumbing.ObjectType{},
		onOffset: map[int64][]int{}, onHash: map[plumbing.Hash][]int{},
		at: bufio.NewReader(nil), buffer: make([]byte, 1<<15),
	}
	end, err := p.scan(ctx)
	if err == nil {
		err = p.checkSum(end)
	}
	if err == nil {
		err = p.resolve(ctx)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = refuse("the pack ends early; push again")
	}
	return p, err
}

type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}

// scan reads all entries in order and returns where they end.
func (p *pack) scan(ctx context.Context) (end int64, err error) {
	counted := &countingReader{r: io.NewSectionReader(p.file, 0, 1<<62)}
	r := bufio.NewReaderSize(counted, 1<<16)
	at := func() int64 { return counted.n - int64(r.Buffered()) }
	var head struct {
		Magic          [4]byte
		Version, Count uint32
	}
	if err := binary.Read(r, binary.BigEndian, &head); err != nil {
		return 0, err
	}
	if string(head.Magic[:]) != "PACK" || head.Version != 2 {
		return 0, refuse("what was sent is no pack of version 2")
	}
	if head.Count > maxObjects {
		return 0, refuse("the pack has %d objects, more than the %d that are taken at once; push older commits first", head.Count, maxObjects)
	}
	for range head.Count {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if err := p.scanEntry(r, at); err != nil {
			return 0, err
		}
	}
	return at(), nil
}

func (p *pack) scanEntry(r *bufio.Reader, at func() int64) (err error) {
	e := packEntry{offset: at()}
	if e.kind, e.size, err = readEntryHead(r); err != nil {
		return err
	}
	if e.size > p.limits.object {
		return refuse("an object has %s, more than the %s that one may have; keep such files elsewhere", size(e.size), size(p.limits.object))
	}
	if err := p.readBase(r, e); err != nil {
		return err
	}
	e.data = at()
	zr, err := p.inflater(r)
	if err != nil {
		return err
	}
	if e.kind.IsDelta() {
		err = p.skipDelta(zr, e.size)
	} else {
		e.hash, err = p.hashObject(zr, e.kind, e.size)
		p.found[e.hash] = e.kind
	}
	if err != nil {
		return err
	}
	if e.crc, err = p.crcOf(e.offset, at()); err != nil {
		return err
	}
	p.entries = append(p.entries, e)
	return nil
}

// readEntryHead reads an entry's kind and size.
func readEntryHead(r io.ByteReader) (plumbing.ObjectType, int64, error) {
	first, err := r.ReadByte()
	if err != nil {
		return 0, 0, err
	}
	kind := packutil.ObjectType(first)
	size, err := packutil.VariableLengthSize(first, r)
	switch {
	case errors.Is(err, packutil.ErrLengthOverflow) || size > math.MaxInt64:
		return 0, 0, refuse("the pack is broken: a size without end")
	case err != nil:
		return 0, 0, err
	case !kind.Valid():
		return 0, 0, refuse("the pack is broken: an object of kind %d", kind)
	}
	return kind, int64(size), nil
}

// readBase notes what a delta, which is to become the next entry, is a delta of.
func (p *pack) readBase(r *bufio.Reader, e packEntry) error {
	next := len(p.entries)
	switch e.kind {
	case plumbing.OFSDeltaObject:
		back, err := readOffset(r)
		if err != nil {
			return err
		}
		if back <= 0 || back >= e.offset {
			return refuse("the pack is broken: a delta of nothing")
		}
		p.onOffset[e.offset-back] = append(p.onOffset[e.offset-back], next)
	case plumbing.REFDeltaObject:
		var id [sha1.Size]byte
		if _, err := io.ReadFull(r, id[:]); err != nil {
			return err
		}
		base, _ := plumbing.FromBytes(id[:])
		p.onHash[base] = append(p.onHash[base], next)
	}
	return nil
}

// readOffset reads how far back a delta's base is.
func readOffset(r io.ByteReader) (int64, error) {
	var back int64
	for range 9 {
		b, err := r.ReadByte()
		if err != nil {
			return 0, err
		}
		back = back<<7 | int64(b&0x7f)
		if b&0x80 == 0 {
			return back, nil
		}
		back++
	}
	return 0, refuse("the pack is broken: an offset of more than 63 bits")
}

// inflater returns the one decompressor there is, for what r holds next. It takes no byte too many from an io.ByteReader.
func (p *pack) inflater(r io.Reader) (io.Reader, error) {
	var err error
	if p.zr == nil {
		p.zr, err = zlib.NewReader(r)
	} else {
		err = p.zr.(zlib.Resetter).Reset(r, nil)
	}
	return p.zr, broken(err)
}

// broken makes a refusal of an error of the decompressor, unless the reader below it failed.
func broken(err error) error {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	if _, ours := errors.AsType[*os.PathError](err); ours {
		return err
	}
	return refuse("the pack is broken: %v", err)
}

func (p *pack) hashObject(zr io.Reader, kind plumbing.ObjectType, size int64) (plumbing.Hash, error) {
	h := plumbing.NewHasher(config.SHA1, kind, size)
	if err := p.copyExactly(h, zr, size); err != nil {
		return plumbing.Hash{}, err
	}
	return h.Sum(), nil
}

// copyExactly refuses content of another size than was said.
func (p *pack) copyExactly(w io.Writer, zr io.Reader, size int64) error {
	n, err := io.CopyBuffer(w, io.LimitReader(zr, size+1), p.buffer)
	if err != nil {
		return broken(err)
	}
	if n != size {
		return refuse("the pack is broken: an object has another size than it says")
	}
	return nil
}

// deltaHead is as many bytes as the two sizes take that a delta begins with.
const deltaHead = 2 * binary.MaxVarintLen64

// skipDelta reads over a delta's instructions and refuses those that would make too much.
func (p *pack) skipDelta(zr io.Reader, length int64) error {
	p.at.Reset(io.LimitReader(zr, length+1))
	head, err := p.at.Peek(deltaHead)
	if err != nil && !errors.Is(err, io.EOF) {
		return broken(err)
	}
	_, rest, errBase := packutil.DecodeLEB128(head)
	target, _, errTarget := packutil.DecodeLEB128(rest)
	if errBase != nil || errTarget != nil {
		return refuse("the pack is broken: a size without end")
	}
	if made := max(int64(min(target, math.MaxInt64)), length); made > p.limits.delta {
		return refuse("a delta makes an object of %s, more than the %s that one may; "+smallDeltas, size(made), size(p.limits.delta))
	}
	return p.copyExactly(io.Discard, p.at, length)
}

func (p *pack) crcOf(from, to int64) (uint32, error) {
	h := crc32.NewIEEE()
	_, err := io.CopyBuffer(h, io.NewSectionReader(p.file, from, to-from), p.buffer)
	return h.Sum32(), err
}

// checkSum compares the pack's last bytes with all before them.
func (p *pack) checkSum(end int64) error {
	h := sha1.New()
	if _, err := io.Copy(h, io.NewSectionReader(p.file, 0, end)); err != nil {
		return err
	}
	var sum [sha1.Size + 1]byte
	n, err := p.file.ReadAt(sum[:], end)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if n != sha1.Size || !bytes.Equal(h.Sum(nil), sum[:n]) {
		return refuse("the pack is broken: its checksum is another; push again")
	}
	p.sum, _ = plumbing.FromBytes(sum[:n])
	return nil
}

// writeIndex writes the pack's index, which git and go-git find objects by.
func (p *pack) writeIndex(w io.Writer) error {
	var x idxfile.Writer
	if err := x.OnHeader(uint32(len(p.entries))); err != nil {
		return err
	}
	for _, e := range p.entries {
		x.Add(e.hash, uint64(e.offset), e.crc)
	}
	if err := x.OnFooter(p.sum); err != nil {
		return err
	}
	index, err := x.Index()
	if err != nil {
		return err
	}
	return idxfile.Encode(w, githash.New(crypto.SHA1), index)
}
