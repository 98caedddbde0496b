package gitserver

import (
	"context"
	"errors"
	"strings"

	"github.com/go-git/go-git/v6/plumbing"
	"github.com/go-git/go-git/v6/plumbing/filemode"
	"github.com/go-git/go-git/v6/plumbing/object"
)

// link is that an object of the pack, or a reference, names another one.
type link struct {
	to   plumbing.Hash
	kind plumbing.ObjectType // AnyObject where it may be any
	from string              // for the one who reads that it is missing
}

// named is an object, and what kind it has to have.
type named struct {
	hash plumbing.Hash
	kind plumbing.ObjectType
}

// whole refuses a pack with anything in it that leads to what is not there: a commit's tree and parents, a tree's files.
// Every object is looked at, also where no reference leads to it now: a later one may, and what the repository has is
// believed then. Trees whose names no working tree could hold safely are refused, too.
func (in *incoming) whole(ctx context.Context) error {
	fine := map[named]bool{}
	for _, e := range in.pack.entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		links, err := in.links(e.hash, e.kind)
		if err != nil {
			return err
		}
		for _, l := range links {
			what := named{l.to, l.kind}
			if fine[what] {
				continue
			}
			if err := in.holds(l); err != nil {
				return err
			}
			fine[what] = true
		}
	}
	return nil
}

// pointsWell refuses a reference to what is not there, and a branch that is to point to anything but a commit.
func (in *incoming) pointsWell(name plumbing.ReferenceName, tip plumbing.Hash) error {
	kind := plumbing.AnyObject
	if name.IsBranch() {
		kind = plumbing.CommitObject
	}
	return in.holds(link{tip, kind, name.String()})
}

// holds refuses a link to what is neither in the pack nor in the repository, or is of another kind.
func (in *incoming) holds(l link) error {
	kind, new := in.found(l.to)
	if !new {
		return in.old(l)
	}
	if l.kind != plumbing.AnyObject && l.kind != kind {
		return refuse("%s names the %s %s as a %s", l.from, kind, short(l.to), l.kind)
	}
	return nil
}

// links are those of an object of the pack.
func (in *incoming) links(hash plumbing.Hash, kind plumbing.ObjectType) ([]link, error) {
	switch kind {
	case plumbing.CommitObject:
		return in.commitLinks(hash)
	case plumbing.TreeObject:
		return in.treeLinks(hash)
	case plumbing.TagObject:
		tag, err := object.GetTag(in.st, hash)
		if err != nil {
			return nil, malformed(hash, err)
		}
		return []link{{tag.Target, tag.TargetType, "tag " + short(hash)}}, nil
	}
	return nil, nil
}

func (in *incoming) found(hash plumbing.Hash) (kind plumbing.ObjectType, ok bool) {
	if in.pack == nil {
		return 0, false
	}
	kind, ok = in.pack.found[hash]
	return kind, ok
}

// old refuses a link to what neither has come in nor was there.
func (in *incoming) old(l link) error {
	there, err := in.has(l.to)
	if err != nil {
		return err
	}
	if !there && l.kind == plumbing.CommitObject {
		return refuse("%s needs commit %s, which was not sent; from a shallow clone, run `git fetch --unshallow` first", l.from, short(l.to))
	}
	if !there {
		return refuse("%s needs object %s, which was not sent; `git fsck` shows what the local repository lacks", l.from, short(l.to))
	}
	if l.kind != plumbing.CommitObject || !strings.HasPrefix(l.from, "refs/") {
		return nil
	}
	if _, err := object.GetCommit(in.base, l.to); err != nil {
		return refuse("%s can point to a commit only, and %s is none", l.from, short(l.to))
	}
	return nil
}

func (in *incoming) commitLinks(hash plumbing.Hash) ([]link, error) {
	commit, err := object.GetCommit(in.st, hash)
	if err != nil {
		return nil, malformed(hash, err)
	}
	from := "commit " + short(hash)
	links := []link{{commit.TreeHash, plumbing.TreeObject, from}}
	for _, parent := range commit.ParentHashes {
		links = append(links, link{parent, plumbing.CommitObject, from})
	}
	return links, nil
}

func (in *incoming) treeLinks(hash plumbing.Hash) ([]link, error) {
	tree, err := object.GetTree(in.st, hash)
	if err != nil {
		return nil, malformed(hash, err)
	}
	var links []link
	for _, e := range tree.Entries {
		if err := checkName(e.Name); err != nil {
			return nil, refuse("tree %s has a file named %q, which %v", short(hash), e.Name, err)
		}
		kind := plumbing.BlobObject
		switch e.Mode {
		case filemode.Submodule: // a commit of another repository
			continue
		case filemode.Dir:
			kind = plumbing.TreeObject
		}
		links = append(links, link{e.Hash, kind, "tree " + short(hash)})
	}
	return links, nil
}

// malformed is what a pushed object is that cannot be read: its bytes are those that were sent.
func malformed(hash plumbing.Hash, err error) error {
	return refuse("object %s can't be read: %v", short(hash), err)
}

const longestName = 255 // of a file on Linux

// checkName says what is wrong with one part of a file's path. Names that other systems take for .git are wrong as well:
// people check out there what is kept here.
func checkName(name string) error {
	switch lower := strings.ToLower(strings.TrimRight(name, " .")); {
	case name == "" || name == "." || name == "..":
		return errors.New("is no name")
	case len(name) > longestName:
		return errors.New("is longer than 255 bytes")
	case strings.ContainsAny(name, "/\x00"):
		return errors.New("holds a character that no name may")
	case lower == ".git" || lower == "git~1" || strings.HasPrefix(lower, ".git:"):
		return errors.New("git keeps for itself")
	case strings.Map(withoutIgnorable, lower) == ".git":
		return errors.New("git keeps for itself")
	}
	return nil
}

// withoutIgnorable drops the characters that HFS+ does not see.
func withoutIgnorable(r rune) rune {
	if r >= 0x200c && r <= 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x206a && r <= 0x206f || r == 0xfeff {
		return -1
	}
	return r
}
