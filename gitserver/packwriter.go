package gitserver

import (
	"bytes"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"io"
	"os"

	"github.com/go-git/go-git/v6/plumbing"
	"github.com/go-git/go-git/v6/plumbing/format/config"
	"github.com/klauspost/compress/zlib"
)

// packWriter writes a pack of whole objects, without those that the repository has.
type packWriter struct {
	in      *incoming
	file    *os.File
	zw      *zlib.Writer
	written map[plumbing.Hash]bool
}

// smallBlob is up to which size content is looked at before it is written.
const smallBlob = 1 << 20

func newPackWriter(in *incoming) (*packWriter, error) {
	zw, err := zlib.NewWriterLevel(nil, zlib.BestSpeed)
	if err != nil {
		return nil, err
	}
	w := &packWriter{in: in, file: in.file, zw: zw, written: map[plumbing.Hash]bool{}}
	return w, w.head()
}

// head writes the pack's head with the number of objects so far, at the place where the file stands.
func (w *packWriter) head() error {
	return binary.Write(w.file, binary.BigEndian, struct {
		Magic          [4]byte
		Version, Count uint32
	}{[4]byte([]byte("PACK")), 2, uint32(len(w.written))})
}

// encoder is an object of go-git's.
type encoder interface {
	Encode(plumbing.EncodedObject) error
}

// object writes a commit or a tree.
func (w *packWriter) object(o encoder) (plumbing.Hash, error) {
	var m plumbing.MemoryObject
	if err := o.Encode(&m); err != nil {
		return plumbing.Hash{}, err
	}
	r, err := m.Reader()
	if err != nil {
		return plumbing.Hash{}, err
	}
	return w.write(m.Type(), m.Size(), r)
}

// write writes an object of that size. What turns out to be there already is taken back.
func (w *packWriter) write(kind plumbing.ObjectType, size int64, content io.Reader) (plumbing.Hash, error) {
	if size <= smallBlob {
		return w.writeSmall(kind, size, content)
	}
	start, err := w.file.Seek(0, io.SeekCurrent)
	if err != nil {
		return plumbing.Hash{}, err
	}
	h := plumbing.NewHasher(config.SHA1, kind, size)
	if err := w.entry(kind, size, io.TeeReader(content, h)); err != nil {
		return plumbing.Hash{}, err
	}
	hash := h.Sum()
	known, err := w.known(hash)
	if err == nil && known {
		_, err = w.file.Seek(start, io.SeekStart)
		err = errors.Join(err, w.file.Truncate(start))
	}
	w.written[hash] = w.written[hash] || !known
	return hash, err
}

func (w *packWriter) writeSmall(kind plumbing.ObjectType, size int64, content io.Reader) (plumbing.Hash, error) {
	data := make([]byte, size)
	if _, err := io.ReadFull(content, data); err != nil {
		return plumbing.Hash{}, err
	}
	h := plumbing.NewHasher(config.SHA1, kind, size)
	if _, err := h.Write(data); err != nil {
		return plumbing.Hash{}, err
	}
	hash := h.Sum()
	known, err := w.known(hash)
	if err != nil || known {
		return hash, err
	}
	w.written[hash] = true
	return hash, w.entry(kind, size, bytes.NewReader(data))
}

func (w *packWriter) known(hash plumbing.Hash) (bool, error) {
	if w.written[hash] {
		return true, nil
	}
	return w.in.has(hash)
}

// entry writes kind and size, in groups of seven bits after the first four, and the content compressed.
func (w *packWriter) entry(kind plumbing.ObjectType, size int64, content io.Reader) error {
	var out bytes.Buffer
	b, rest := byte(kind)<<4|byte(size&15), size>>4
	for rest > 0 {
		out.WriteByte(b | 0x80)
		b, rest = byte(rest&0x7f), rest>>7
	}
	out.WriteByte(b)
	if _, err := w.file.Write(out.Bytes()); err != nil {
		return err
	}
	w.zw.Reset(w.file)
	n, err := io.Copy(w.zw, io.LimitReader(content, size))
	if err == nil && n != size {
		err = io.ErrUnexpectedEOF
	}
	return errors.Join(err, w.zw.Close())
}

// finish writes how many objects there are, and the pack's checksum.
func (w *packWriter) finish() error {
	if _, err := w.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := w.head(); err != nil {
		return err
	}
	if _, err := w.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	h := sha1.New()
	if _, err := io.Copy(h, w.file); err != nil {
		return err
	}
	_, err := w.file.Write(h.Sum(nil))
	return err
}
