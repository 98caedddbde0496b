package image

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// budget is what an image may still unpack, shared by its layers so that a bomb in several parts stops as early as one
// in a single part.
type budget struct {
	limit   int64
	content atomic.Int64 // bytes of files
	raw     atomic.Int64 // bytes of tar streams, headers and padding included
}

func (b *budget) spend(n int64) error {
	if n < 0 || b.content.Add(n) > b.limit {
		return tooLarge("unpacked size", b.limit, "bytes")
	}
	return nil
}

// spendRaw allows for the headers of many small files, and still ends a stream of nothing but padding.
func (b *budget) spendRaw(n int64) error {
	if b.raw.Add(n) > 2*b.limit+64<<20 {
		return tooLarge("unpacked size", b.limit, "bytes")
	}
	return nil
}

// bringLayer makes sure that a layer is unpacked. The caller has pinned it.
func (s *Store) bringLayer(ctx context.Context, src source, desc v1.Descriptor, id digest, b *budget) error {
	return s.flights.share(ctx, layerKey(id), func(ctx context.Context) error {
		return s.makeLayer(ctx, src, desc, id, b)
	})
}

func (s *Store) makeLayer(ctx context.Context, src source, desc v1.Descriptor, id digest, b *budget) error {
	if exists(s.layerPath(id)) {
		return nil
	}
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	blob := digest(desc.Digest.String())
	defer s.pins.pin(blobKey(blob))()
	if err := s.fetchBlob(ctx, src, desc); err != nil {
		return err
	}
	f, err := os.Open(s.blobPath(blob))
	if err != nil {
		return err
	}
	defer f.Close()
	return s.installLayer(ctx, f, id, b, func(string) error { return nil })
}

// installLayer unpacks a blob beside the final place and renames it there when it is whole, verified and synced. note may
// put more into the layer's directory.
func (s *Store) installLayer(ctx context.Context, blob io.Reader, id digest, b *budget, note func(dir string) error) error {
	dir, err := os.MkdirTemp(s.tmp(), "layer-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Mkdir(filepath.Join(dir, "fs"), 0o755); err != nil {
		return err
	}
	size, err := unpackBlob(ctx, blob, filepath.Join(dir, "fs"), id, b)
	if err != nil {
		return fmt.Errorf("unpack layer %s: %w", id, err)
	}
	if err := note(dir); err != nil {
		return err
	}
	return s.publishLayer(dir, id, size)
}

// publishLayer gives an unpacked layer, at fs in dir, its final name.
func (s *Store) publishLayer(dir string, id digest, size int64) error {
	if err := os.WriteFile(filepath.Join(dir, "size"), strconv.AppendInt(nil, size, 10), 0o600); err != nil {
		return err
	}
	if err := errors.Join(os.Chmod(filepath.Join(dir, "fs"), 0o755), syncTree(dir)); err != nil {
		return err
	}
	if err := publish(dir, s.layerPath(id)); err != nil && !exists(s.layerPath(id)) {
		return err // if it exists, somebody else has made the same layer meanwhile
	}
	return nil
}

// unpackBlob streams a compressed layer into root and checks that it is the one that id names. It returns the bytes of file
// content.
func unpackBlob(ctx context.Context, blob io.Reader, root string, id digest, b *budget) (int64, error) {
	plain, err := decompress(&cancellable{ctx, blob})
	if err != nil {
		return 0, err
	}
	defer plain.Close()
	sum := sha256.New()
	f := &filter{budget: b, raw: io.TeeReader(&metered{plain, b}, sum)}
	if err := unpackFiltered(f, root); err != nil {
		return 0, badLayer(err)
	}
	if got := sumDigest(sum.Sum(nil)); got != id {
		return 0, invalid("the configuration promises layer %s, but the layer is %s", id, got)
	}
	return f.content, nil
}

// badLayer tells what is wrong with the layer from what is wrong with this machine or with the caller's patience.
func badLayer(err error) error {
	for _, impatient := range []error{errConfine, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, impatient) {
			return err
		}
	}
	if _, ok := errors.AsType[*TooLargeError](err); ok || isMachine(err) {
		return err
	}
	return &InvalidError{Cause: fmt.Errorf("a layer cannot be unpacked: %w", err)}
}

// isMachine reports whether err is this machine's own fault.
func isMachine(err error) bool {
	for _, ours := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EIO, syscall.EROFS, syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM} {
		if errors.Is(err, ours) {
			return true
		}
	}
	return false
}

// decompress goes by the first bytes, because media types lie. What is neither gzip nor zstd is taken for a plain tar.
func decompress(r io.Reader) (io.ReadCloser, error) {
	br := bufio.NewReaderSize(r, 64<<10)
	magic, err := br.Peek(4)
	if err != nil && err != io.EOF {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(br)
		if err != nil {
			return nil, invalid("a layer is damaged gzip (%v)", err)
		}
		return z, nil
	case bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		// The window of 128 MiB is what zstd's own tool takes; it bounds the memory that a layer can make us use.
		z, err := zstd.NewReader(br, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(128<<20))
		if err != nil {
			return nil, invalid("a layer is damaged zstd (%v)", err)
		}
		return z.IOReadCloser(), nil
	}
	return io.NopCloser(br), nil
}

// cancellable ends a read of a file when the context ends.
type cancellable struct {
	ctx context.Context
	r   io.Reader
}

func (c *cancellable) Read(p []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, context.Cause(c.ctx)
	}
	return c.r.Read(p)
}

// metered spends the budget for what comes out of a decompressor.
type metered struct {
	r io.Reader
	b *budget
}

func (m *metered) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	if over := m.b.spendRaw(int64(n)); over != nil {
		return 0, over
	}
	return n, err
}

func (s *Store) layerSize(id digest) (int64, error) {
	data, err := os.ReadFile(filepath.Join(s.layerPath(id), "size"))
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64)
}

// diskUsage adds up what a file or directory occupies, as well as it can be read. A file with several hard links counts
// for each of them in part.
func diskUsage(path string) int64 {
	var total int64
	_ = filepath.WalkDir(path, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return nil
		}
		if st := info.Sys().(*syscall.Stat_t); d.IsDir() {
			total += st.Blocks * 512
		} else {
			total += st.Blocks * 512 / int64(st.Nlink)
		}
		return nil
	})
	return total
}
