package source

import (
	"context"
	"errors"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v6/plumbing"
)

// How much history Touches looks at: of a server's repository in two goes, of one on this machine all at once.
var touchDepths = []int{50, 500}

const maxTouched = 20_000

// Touches says whether any commit after from, up to and with to, changes something below directory. It is true when that
// cannot be known: where history is longer than what is looked at, or where to does not descend from from. It blocks for up
// to Limits.Time.
func (f *Fetcher) Touches(ctx context.Context, service string, r Remote, from, to, directory string) (touched bool, err error) {
	defer f.contain(&err)
	a, errA := parseHash(from)
	b, errB := parseHash(to)
	dir := strings.Trim(path.Clean("/"+directory), "/")
	switch {
	case errA != nil || errB != nil:
		return true, errors.Join(errA, errB)
	case a == b:
		return false, nil
	case dir == "":
		return true, nil
	}
	j, err := f.begin(ctx, service, r)
	if err != nil {
		return true, err
	}
	defer j.end()
	ctx, cancel := within(ctx, f.cfg.Limits.Time, j.origin.at)
	defer cancel()
	if touched, err = j.touches(ctx, a, b, dir); err != nil {
		return true, f.explain(ctx, err, j.origin)
	}
	return touched, nil
}

func (j *job) touches(ctx context.Context, from, to plumbing.Hash, dir string) (bool, error) {
	if j.origin.local != "" {
		objects := j.read(j.origin.local)
		if err := objects.measure(j.origin.local); err != nil {
			return true, err
		}
		touched, _, err := objects.touched(ctx, from, to, dir, maxTouched)
		return touched, err
	}
	for _, depth := range touchDepths {
		touched, known, err := j.touchesWithin(ctx, from, to, dir, depth)
		if err != nil || known {
			return touched, err
		}
		j.reset()
	}
	return true, nil
}

// touchesWithin looks at some history in a mirror of its own, which lacks files where the server can leave them out.
func (j *job) touchesWithin(ctx context.Context, from, to plumbing.Hash, dir string, depth int) (touched, known bool, err error) {
	tmp, err := os.MkdirTemp(j.f.path("tmp"), "history-*")
	if err != nil {
		return true, false, err
	}
	defer os.RemoveAll(tmp)
	m, err := openMirror(tmp)
	if err != nil {
		return true, false, err
	}
	s, err := j.session(ctx)
	if err != nil {
		return true, false, err
	}
	stream, _, err := s.pack(ctx, want{commits: []plumbing.Hash{to}, depth: depth, noFiles: true})
	if err == nil {
		defer stream.Close()
		err = m.receive(ctx, stream, j.f.cfg.Limits.pack(true))
	}
	if notServed(err) {
		return true, true, nil
	}
	if err != nil {
		return true, false, err
	}
	objects := openObjects(tmp)
	defer objects.close()
	return objects.touched(ctx, from, to, dir, maxTouched)
}

// touched walks from a commit back to another. It knows when it met the other on every way.
func (o *objects) touched(ctx context.Context, from, to plumbing.Hash, dir string, most int) (touched, known bool, err error) {
	start, err := o.commit(from)
	if _, missing := errors.AsType[*missingError](err); missing {
		return true, false, nil
	}
	if err != nil {
		return true, false, err
	}
	fresh, known, err := o.since(ctx, from, &start, to, most)
	if err != nil || !known || !descends(fresh, from) {
		return true, false, err
	}
	for _, c := range fresh {
		changed, err := o.changes(c, dir)
		if err != nil || changed {
			return true, err == nil, err
		}
	}
	return false, true, nil
}

// descends says whether one of the commits follows on from directly: else the branch was set to another history.
func descends(fresh map[plumbing.Hash]*commit, from plumbing.Hash) bool {
	for _, c := range fresh {
		if slices.Contains(c.parents, from) {
			return true
		}
	}
	return false
}

// since gives the commits of to that from does not have. Where history is a line, it looks at nothing else; where branches
// lead past from, what they share with it has to be known first.
func (o *objects) since(ctx context.Context, from plumbing.Hash, start *commit, to plumbing.Hash, most int) (map[plumbing.Hash]*commit, bool, error) {
	fresh, line, err := o.ancestors(ctx, to, map[plumbing.Hash]*commit{from: start}, min(most, 1000))
	for _, c := range fresh {
		line = line && len(c.parents) > 0
	}
	if err != nil || line {
		return fresh, line, err
	}
	old, _, err := o.ancestors(ctx, from, nil, most) // what is older than the history looked at is older than from, too
	if err != nil {
		return nil, false, err
	}
	return o.ancestors(ctx, to, old, most)
}

// ancestors gives a commit and those before it, but not what is in past, and whether none was missing on the way.
func (o *objects) ancestors(ctx context.Context, tip plumbing.Hash, past map[plumbing.Hash]*commit, most int) (map[plumbing.Hash]*commit, bool, error) {
	found, whole, of := map[plumbing.Hash]*commit{}, true, []plumbing.Hash{tip}
	for len(of) > 0 {
		if ctx.Err() != nil {
			return nil, false, context.Cause(ctx)
		}
		id := of[len(of)-1]
		of = of[:len(of)-1]
		if found[id] != nil || past[id] != nil {
			continue
		}
		c, err := o.commit(id)
		if _, missing := errors.AsType[*missingError](err); missing || len(found) >= most {
			whole = false
			continue
		}
		if err != nil {
			return nil, false, err
		}
		found[id] = &c
		of = append(of, c.parents...)
	}
	return found, whole, nil
}

// changes says whether a commit's directory differs from that of all its parents: a merge that takes it from one of them
// changes nothing.
func (o *objects) changes(c *commit, dir string) (bool, error) {
	mine, err := o.at(c.tree, dir)
	if err != nil {
		return true, err
	}
	if len(c.parents) == 0 {
		return !mine.IsZero(), nil
	}
	for _, id := range c.parents {
		p, err := o.commit(id)
		if err != nil {
			return true, err
		}
		theirs, err := o.at(p.tree, dir)
		if err != nil || theirs == mine {
			return false, err
		}
	}
	return true, nil
}

// at gives the id of what a path leads to in a tree, zero if it leads to nothing.
func (o *objects) at(tree plumbing.Hash, dir string) (plumbing.Hash, error) {
	id := tree
	for name := range strings.SplitSeq(dir, "/") {
		list, err := o.tree(id)
		if err != nil {
			return plumbing.ZeroHash, err
		}
		id = plumbing.ZeroHash
		mode := uint32(0)
		for _, e := range list {
			if e.name == name {
				id, mode = e.id, e.mode
			}
		}
		if id.IsZero() || mode != modeDir {
			return id, nil
		}
	}
	return id, nil
}
