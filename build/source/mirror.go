package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-git/go-git/v6/plumbing"
	"github.com/go-git/go-git/v6/plumbing/format/pktline"
)

// A mirror holds at most maxPacks packs, of which each push adds one, before it is begun anew: that costs one whole fetch,
// and frees what no commit needs any more.
const maxPacks = 32

// mirror is a bare repository, in git's own format, of what was fetched from one URL. Its owner holds the service's lock.
type mirror struct {
	dir     string
	fetched []plumbing.Hash // commits that are whole, oldest first: in the file "fetched"
	shallow []plumbing.Hash // commits without their parents: git's own file
}

// openMirror makes the repository when it is missing, and takes away what an interrupted fetch left.
func openMirror(dir string) (*mirror, error) {
	packs := filepath.Join(dir, "objects", "pack")
	for _, d := range []string{packs, filepath.Join(dir, "refs")} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, fmt.Errorf("make a mirror: %w", err)
		}
	}
	left, _ := filepath.Glob(filepath.Join(packs, "tmp-*"))
	for _, path := range left {
		_ = os.Remove(path)
	}
	for name, text := range map[string]string{"HEAD": "ref: refs/heads/main\n", "config": "[core]\n\trepositoryformatversion = 0\n\tbare = true\n"} {
		if _, err := os.Stat(filepath.Join(dir, name)); errors.Is(err, os.ErrNotExist) {
			if err := writeFile(filepath.Join(dir, name), []byte(text)); err != nil {
				return nil, err
			}
		}
	}
	now := time.Now()
	_ = os.Chtimes(filepath.Join(dir, "HEAD"), now, now) // for Kept; without it the mirror is begun anew some day
	m := &mirror{dir: dir}
	var err error
	if m.fetched, err = readHashes(filepath.Join(dir, "fetched")); err == nil {
		m.shallow, err = readHashes(filepath.Join(dir, "shallow"))
	}
	return m, err
}

func readHashes(path string) (list []plumbing.Hash, err error) {
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("read the mirror: %w", err)
	}
	for line := range strings.FieldsSeq(string(text)) {
		if h, ok := plumbing.FromHex(line); ok {
			list = append(list, h)
		}
	}
	return list, nil
}

func writeHashes(path string, list []plumbing.Hash) error {
	var b strings.Builder
	for _, h := range list {
		b.WriteString(h.String() + "\n")
	}
	return writeFile(path, []byte(b.String()))
}

func (m *mirror) has(commit plumbing.Hash) bool { return slices.Contains(m.fetched, commit) }

// met keeps how near the server is, for when the mirror answers in its place.
func (m *mirror) met(z zone) error {
	if m.zone(loopback) == z {
		return nil
	}
	return writeFile(filepath.Join(m.dir, "zone"), []byte(strconv.Itoa(int(z))))
}

// zone is how near the server was, or what is known otherwise if that is farther.
func (m *mirror) zone(otherwise zone) zone {
	text, _ := os.ReadFile(filepath.Join(m.dir, "zone")) // missing: the nearest
	n, _ := strconv.Atoi(string(text))
	return max(zone(n), otherwise)
}

// renewed begins a mirror anew when it is time.
func (f *Fetcher) renewed(m *mirror) (*mirror, error) {
	packs, _ := filepath.Glob(filepath.Join(m.dir, "objects", "pack", "*.pack"))
	if len(packs) < maxPacks {
		return m, nil
	}
	if err := f.remove(m.dir); err != nil {
		return nil, err
	}
	return openMirror(m.dir)
}

// fetch brings commits, and with depth 1 nothing of their history unless the server cannot cut it off.
func (m *mirror) fetch(ctx context.Context, s *session, commits []plumbing.Hash, depth int, l Limits) error {
	stream, shallow, err := s.pack(ctx, want{commits: commits, depth: depth, have: m.fetched, shallow: m.shallow})
	if err != nil {
		return err
	}
	defer stream.Close()
	if err := m.receive(ctx, stream, l.pack(depth == 0 || !s.can("shallow"))); err != nil {
		return err
	}
	if len(shallow) > 0 {
		m.shallow = unite(m.shallow, shallow)
		if err := writeHashes(filepath.Join(m.dir, "shallow"), m.shallow); err != nil {
			return err
		}
	}
	m.fetched = unite(m.fetched, commits)
	return writeHashes(filepath.Join(m.dir, "fetched"), m.fetched)
}

func unite(a, b []plumbing.Hash) []plumbing.Hash {
	for _, h := range b {
		if !slices.Contains(a, h) {
			a = append(a, h)
		}
	}
	return a
}

// receive writes the pack beside those that are there. It is seen with its last rename. An interruption before it leaves what
// openMirror removes, or an index that nobody looks at without its pack.
func (m *mirror) receive(ctx context.Context, stream io.Reader, limits packLimits) error {
	packs := filepath.Join(m.dir, "objects", "pack")
	f, err := os.CreateTemp(packs, "tmp-*")
	if err != nil {
		return fmt.Errorf("receive a pack: %w", err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	entries, sum, err := scanPack(ctxReader{ctx, stream}, f, limits)
	if err != nil {
		return err
	}
	here := openObjects(m.dir)
	defer here.close()
	if entries, sum, err = complete(ctx, f, entries, sum, here); err != nil {
		return err
	}
	idx, rev, err := indexOf(entries, sum)
	if err != nil {
		return fmt.Errorf("index a pack: %w", err)
	}
	base := filepath.Join(packs, "pack-"+sum.String())
	err = errors.Join(writeSynced(base+".idx", idx), writeSynced(base+".rev", rev), f.Sync())
	if err == nil {
		err = errors.Join(os.Rename(f.Name(), base+".pack"), syncDir(packs))
	}
	if err != nil {
		return fmt.Errorf("receive a pack: %w", err)
	}
	return nil
}

// ctxReader ends with the context, also where the reader below answers steadily.
type ctxReader struct {
	ctx context.Context
	r   io.Reader
}

func (r ctxReader) Read(p []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	n, err := r.r.Read(p)
	switch {
	case err != nil && r.ctx.Err() != nil:
		err = context.Cause(r.ctx)
	case err != nil && err != io.EOF:
		err = &answerError{err}
	}
	return n, err
}

// notServed says whether a server refused a commit, not the conversation.
func notServed(err error) bool {
	said, ok := errors.AsType[*pktline.ErrorLine](err)
	if !ok {
		return false
	}
	text := strings.ToLower(said.Text)
	return strings.Contains(text, "not our ref") || strings.Contains(text, "unadvertised object") || strings.Contains(text, "no such object")
}
