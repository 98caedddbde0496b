package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-git/go-billy/v6/osfs"
	"github.com/go-git/go-git/v6/plumbing"
	"github.com/go-git/go-git/v6/plumbing/cache"
	"github.com/go-git/go-git/v6/storage/filesystem"
)

// objects reads a repository's objects from disk, a mirror's or a local repository's own.
type objects struct {
	st    *filesystem.Storage
	trees map[plumbing.Hash][]treeEntry // those read lately: commits of one history share most of theirs, and bombs all
	kept  int                           // entries of them
	packs []measured                    // of a repository that somebody else writes
}

// openObjects reads large objects piece by piece, and keeps few of them.
func openObjects(dir string) *objects {
	st := filesystem.NewStorageWithOptions(osfs.New(dir), cache.NewObjectLRU(32*cache.MiByte), filesystem.Options{LargeObjectThreshold: 1 << 20})
	return &objects{st: st, trees: map[plumbing.Hash][]treeEntry{}}
}

func (o *objects) close() {
	_ = o.st.Close() // read only
	for _, p := range o.packs {
		_ = p.pack.Close()
	}
}

// missingError says that a repository lacks an object that it needs.
type missingError struct{ id plumbing.Hash }

func (e *missingError) Error() string { return fmt.Sprintf("the object %s is missing", e.id) }

func (o *objects) get(kind plumbing.ObjectType, id plumbing.Hash) (plumbing.EncodedObject, error) {
	obj, err := o.st.EncodedObject(kind, id)
	if errors.Is(err, plumbing.ErrObjectNotFound) || errors.Is(err, os.ErrNotExist) {
		return nil, &missingError{id}
	}
	if err != nil {
		return nil, fmt.Errorf("read the object %s: %w", id, err)
	}
	return obj, nil
}

// read gives a whole object, which must not be larger than limit.
func (o *objects) read(kind plumbing.ObjectType, id plumbing.Hash, limit int64) ([]byte, error) {
	if err := o.fits(id, limit); err != nil {
		return nil, err
	}
	obj, err := o.get(kind, id)
	if err != nil {
		return nil, err
	}
	if obj.Size() > limit {
		return nil, tooLarge(fmt.Sprintf("the %s %s has %s", kind, id, size(obj.Size())), limit)
	}
	r, err := obj.Reader()
	if err != nil {
		return nil, fmt.Errorf("read the object %s: %w", id, err)
	}
	defer r.Close()
	text, err := io.ReadAll(io.LimitReader(r, limit))
	if err != nil {
		return nil, fmt.Errorf("read the object %s: %w", id, err)
	}
	return text, nil
}

// commit is what is needed of a commit object.
type commit struct {
	Commit
	tree    plumbing.Hash
	parents []plumbing.Hash
}

const maxCommit = 1 << 20

func (o *objects) commit(id plumbing.Hash) (commit, error) {
	text, err := o.read(plumbing.CommitObject, id, maxCommit)
	if err != nil {
		return commit{}, err
	}
	c, err := parseCommit(text)
	if err != nil {
		return commit{}, refuse("the commit %s cannot be read: %v; run `git fsck` in the repository", id, err)
	}
	c.ID = id.String()
	return c, nil
}

func parseCommit(text []byte) (c commit, err error) {
	head, message, _ := bytes.Cut(text, []byte("\n\n"))
	for i, line := range strings.Split(string(head), "\n") {
		key, value, _ := strings.Cut(line, " ")
		switch {
		case i == 0 && key == "tree":
			c.tree, err = parseHash(value)
		case key == "parent" && len(c.parents) < 1000:
			var p plumbing.Hash
			p, err = parseHash(value)
			c.parents = append(c.parents, p)
		case key == "author" && c.Author == "":
			c.Author = oneLine(strings.TrimSpace(strings.SplitN(value, "<", 2)[0]))
		case key == "committer" && c.At.IsZero():
			c.At = signedAt(value)
		}
		if err != nil {
			return commit{}, err
		}
	}
	if c.tree.IsZero() {
		return commit{}, errors.New("it names no tree")
	}
	subject, _, _ := strings.Cut(strings.TrimLeft(string(message), "\n"), "\n")
	c.Subject = oneLine(subject)
	return c, nil
}

func parseHash(s string) (plumbing.Hash, error) {
	h, ok := plumbing.FromHex(s)
	if !ok || len(s) != 40 {
		return plumbing.ZeroHash, fmt.Errorf("%.50q is no id of an object", s)
	}
	return h, nil
}

// signedAt reads the time of "NAME <ADDRESS> SECONDS ZONE". Times that no file system holds become the epoch.
func signedAt(s string) time.Time {
	fields := strings.Fields(s[strings.LastIndexByte(s, '>')+1:])
	if len(fields) > 0 {
		if n, err := strconv.ParseInt(fields[0], 10, 64); err == nil && n > 0 && n < 1<<33 {
			return time.Unix(n, 0).UTC()
		}
	}
	return time.Unix(0, 0).UTC()
}

// oneLine makes foreign text fit for a terminal, a log and a table.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
	if r := []rune(s); len(r) > 200 {
		s = string(r[:199]) + "…"
	}
	return strings.TrimSpace(s)
}

// treeEntry is one name in a directory of a commit.
type treeEntry struct {
	name string
	mode uint32
	id   plumbing.Hash
}

// The modes that git writes. Others are of older versions or of no git at all.
const (
	modeDir    = 0o040000
	modeFile   = 0o100644
	modeExec   = 0o100755
	modeLink   = 0o120000
	modeModule = 0o160000
)

const maxTree = 64 << 20

func (o *objects) tree(id plumbing.Hash) ([]treeEntry, error) {
	if id.String() == emptyTree {
		return nil, nil // which git knows without having it
	}
	if list, ok := o.trees[id]; ok {
		return list, nil
	}
	text, err := o.read(plumbing.TreeObject, id, maxTree)
	if err != nil {
		return nil, err
	}
	list, err := parseTree(text)
	if err != nil {
		return nil, refuse("the directory with the id %s cannot be read: %v; run `git fsck` in the repository", id, err)
	}
	if o.kept += len(list); o.kept > 20_000 {
		clear(o.trees)
		o.kept = len(list)
	}
	o.trees[id] = list
	return list, nil
}

const emptyTree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

// parseTree reads "MODE NAME\0ID" after "MODE NAME\0ID". Names are looked at by whoever takes them for file names.
func parseTree(text []byte) (list []treeEntry, err error) {
	for len(text) > 0 {
		head, rest, ok := bytes.Cut(text, []byte{0})
		mode, name, spaced := strings.Cut(string(head), " ")
		if !ok || !spaced || len(rest) < 20 {
			return nil, errors.New("it ends in the middle of an entry")
		}
		m, err := strconv.ParseUint(mode, 8, 32)
		if err != nil {
			return nil, fmt.Errorf("the mode %.20q", mode)
		}
		id, _ := plumbing.FromBytes(rest[:20])
		list = append(list, treeEntry{name, uint32(m), id})
		text = rest[20:]
	}
	return list, nil
}
