package image

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/gzip"
	"golang.org/x/sys/unix"
)

// blobFile, beside an unpacked layer, says which blob of this store holds it: madeBlob. Layers that were pulled have none
// until an image is made on top of them: their own blobs are dropped after the pull.
const blobFile = "blob"

// madeBlob is a layer as a blob that was written here. The diffID is another than the unpacked layer's own where that was
// pulled: whoever wrote that stream ordered it in his way.
type madeBlob struct {
	Digest digest `json:"digest"`
	Size   int64  `json:"size"`
	DiffID digest `json:"diff_id"`

	layer digest // the unpacked layer that an image is run with
}

func (m madeBlob) descriptor() v1.Descriptor {
	return v1.Descriptor{MediaType: types.OCILayer, Size: m.Size, Digest: asHash(m.Digest)}
}

func asHash(d digest) v1.Hash { return v1.Hash{Algorithm: "sha256", Hex: d.hex()} }

// written is what writeBlob found out about the stream.
type written struct {
	madeBlob
	content int64
	file    string // in tmp
}

// writeBlob writes a tree as a compressed layer into a file in tmp and finds both digests on the way.
func (s *Store) writeBlob(ctx context.Context, t *treeWriter, only []string) (w written, err error) {
	f, err := os.CreateTemp(s.tmp(), "blob-")
	if err != nil {
		return w, err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	defer f.Close()
	blob, diff := sha256.New(), sha256.New()
	z, err := gzip.NewWriterLevel(io.MultiWriter(f, blob), gzip.BestSpeed)
	if err != nil {
		return w, err
	}
	t.ctx, t.tw = ctx, tar.NewWriter(io.MultiWriter(z, diff))
	if err := t.write(only); err != nil {
		return w, err
	}
	if err := errors.Join(t.tw.Close(), z.Close()); err != nil {
		return w, err
	}
	size, err := f.Seek(0, io.SeekCurrent)
	w.Digest, w.DiffID, w.Size = sumDigest(blob.Sum(nil)), sumDigest(diff.Sum(nil)), size
	w.layer, w.content, w.file = w.DiffID, t.content, f.Name()
	return w, err
}

// makeTreeLayer makes a layer of a tree: the blob, and the unpacked layer. The caller gets them pinned. A tree in which
// nothing has changed is no layer.
func (s *Store) makeTreeLayer(ctx context.Context, tree Tree, created time.Time, b *budget, keep func(...string)) (madeBlob, bool, error) {
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return madeBlob{}, false, context.Cause(ctx)
	}
	t := &treeWriter{dir: tree.Dir, created: created, settle: tree.Move, budget: b}
	w, err := s.writeBlob(ctx, t, tree.Only)
	if err != nil {
		return madeBlob{}, false, err
	}
	defer os.Remove(w.file) // gone already, once it has its name
	if t.entries == 0 {
		return madeBlob{}, false, nil
	}
	keep(layerKey(w.layer), blobKey(w.Digest))
	if err := s.installMade(ctx, tree, w); err != nil {
		return madeBlob{}, false, err
	}
	return w.madeBlob, true, s.publishBlob(w)
}

// publishBlob gives the blob its name, and says at the layer that it is there if the layer does not yet.
func (s *Store) publishBlob(w written) error {
	if !exists(s.blobPath(w.Digest)) {
		if err := errors.Join(syncFile(w.file), publish(w.file, s.blobPath(w.Digest))); err != nil {
			return err
		}
	}
	if known, ok := s.noted(w.layer); ok && known == w.madeBlob {
		return nil
	}
	data, err := json.Marshal(w.madeBlob)
	if err != nil {
		return err
	}
	return s.writeFile(filepath.Join(s.layerPath(w.layer), blobFile), data)
}

// note writes beside a layer that is being made what publishBlob would: it is synced with the rest then.
func (w written) note(dir string) error {
	data, err := json.Marshal(w.madeBlob)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, blobFile), data, 0o600)
}

// noted is what the layer says of its blob, which need not be there any more.
func (s *Store) noted(id digest) (m madeBlob, ok bool) {
	data, err := os.ReadFile(filepath.Join(s.layerPath(id), blobFile))
	if err != nil || json.Unmarshal(data, &m) != nil {
		return m, false
	}
	for _, d := range []digest{m.Digest, m.DiffID} {
		if _, err := parseDigest(d.String()); err != nil {
			return m, false
		}
	}
	m.layer = id
	return m, true
}

// installMade makes the unpacked layer: of the tree's own files if they may be taken, or else from the blob.
func (s *Store) installMade(ctx context.Context, tree Tree, w written) error {
	if exists(s.layerPath(w.layer)) {
		return nil
	}
	if tree.Move {
		err := s.moveLayer(tree, w)
		if !errors.Is(err, unix.EXDEV) {
			return err
		}
	}
	f, err := os.Open(w.file)
	if err != nil {
		return err
	}
	defer f.Close()
	return s.installLayer(ctx, f, w.layer, &budget{limit: s.cfg.MaxUnpacked}, w.note)
}

// moveLayer renames what is in the tree into a new layer. It has been settled: it is what unpacking the blob would make.
// EXDEV says that it is on another file system.
func (s *Store) moveLayer(tree Tree, w written) error {
	dir, err := os.MkdirTemp(s.tmp(), "layer-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	root := filepath.Join(dir, "fs")
	if err := os.Mkdir(root, 0o755); err != nil {
		return err
	}
	if err := moveTree(tree, root); err != nil {
		return err
	}
	if err := w.note(dir); err != nil {
		return err
	}
	return s.publishLayer(dir, w.layer, w.content)
}

func moveTree(tree Tree, root string) error {
	names, err := outermost(tree.Only)
	if err != nil {
		return err
	}
	if tree.Only == nil {
		if names, err = childNames(tree.Dir); err != nil {
			return err
		}
	}
	for _, name := range names {
		if strings.Contains(name, "/") {
			return unix.EXDEV // its parents would have to be made alike: the blob knows how
		}
		err := os.Rename(filepath.Join(tree.Dir, name), filepath.Join(root, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func childNames(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}

// outermost checks the subtrees' names, sorts them and leaves out those that are in another.
func outermost(only []string) ([]string, error) {
	var names []string
	for _, given := range only {
		name := path.Clean(strings.Trim(given, "/"))
		if given == "" || name == "." || !filepath.IsLocal(name) {
			return nil, invalid("%q is no directory inside a tree", given)
		}
		names = append(names, name)
	}
	slices.Sort(names)
	var out []string
	for _, name := range names {
		inside := func(of string) bool { return name == of || strings.HasPrefix(name, of+"/") }
		if !slices.ContainsFunc(out, inside) {
			out = append(out, name)
		}
	}
	return out, nil
}

// baseLayers returns the layers of an image that is here as blobs that the embedded registry can hand out. Those that were
// dropped after a pull are written anew, once.
func (s *Store) baseLayers(ctx context.Context, ids []digest, keep func(...string)) ([]madeBlob, error) {
	var all []madeBlob
	for _, id := range ids {
		m, err := s.layerBlob(ctx, id, keep)
		if err != nil {
			return nil, fmt.Errorf("layer %s of the base: %w", id, err)
		}
		all = append(all, m)
	}
	return all, nil
}

func (s *Store) layerBlob(ctx context.Context, id digest, keep func(...string)) (madeBlob, error) {
	if m, ok := s.knownBlob(id, keep); ok {
		return m, nil
	}
	err := s.flights.share(ctx, "blob of "+layerKey(id), func(ctx context.Context) error {
		t := &treeWriter{dir: filepath.Join(s.layerPath(id), "fs"), budget: &budget{limit: s.cfg.MaxUnpacked}}
		w, err := s.writeBlob(ctx, t, nil)
		if err != nil {
			return err
		}
		defer os.Remove(w.file)
		w.layer = id
		defer s.pins.pin(blobKey(w.Digest))()
		return s.publishBlob(w)
	})
	if err != nil {
		return madeBlob{}, err
	}
	m, ok := s.knownBlob(id, keep)
	if !ok {
		return m, errors.New("its blob was removed while it was used; try again")
	}
	return m, nil
}

// knownBlob returns the blob of an unpacked layer, pinned, if it is still there.
func (s *Store) knownBlob(id digest, keep func(...string)) (m madeBlob, ok bool) {
	if m, ok = s.noted(id); !ok {
		return m, false
	}
	keep(blobKey(m.Digest))
	return m, exists(s.blobPath(m.Digest))
}
