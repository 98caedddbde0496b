package gitserver

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/go-git/go-git/v6/plumbing"
)

// references are those of a repository, by name. All of them lie in packed-refs, which git and go-git read too: go-git
// writes a loose one by truncating its file, and a crash then leaves a branch that points nowhere.
type references map[plumbing.ReferenceName]plumbing.Hash

const packedRefs = "packed-refs"

func branchRef(branch string) plumbing.ReferenceName { return plumbing.NewBranchReferenceName(branch) }

// refs reads them. A repository that is not there has none.
func (r *repository) refs() (references, error) {
	text, err := os.ReadFile(r.path(packedRefs))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	refs := references{}
	for line := range strings.Lines(string(text)) {
		id, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if !ok || strings.HasPrefix(line, "#") || strings.HasPrefix(line, "^") {
			continue
		}
		hash, ok := plumbing.FromHex(id)
		if !ok {
			return nil, fmt.Errorf("%s: no object id: %q", r.path(packedRefs), id)
		}
		refs[plumbing.ReferenceName(name)] = hash
	}
	return refs, nil
}

func (refs references) text() string {
	var b strings.Builder
	b.WriteString("# pack-refs with: sorted \n")
	for _, name := range slices.Sorted(maps.Keys(refs)) {
		fmt.Fprintf(&b, "%s %s\n", refs[name], name)
	}
	return b.String()
}

// move lets a reference that points to old point to new; a zero hash stands for no reference.
func (r *repository) move(name plumbing.ReferenceName, from, to plumbing.Hash) error {
	r.moving.Lock()
	defer r.moving.Unlock()
	refs, err := r.refs()
	if err != nil {
		return err
	}
	if now := refs[name]; now != from {
		return moved(now)
	}
	if to.IsZero() {
		delete(refs, name)
	} else if err := refs.put(name, to); err != nil {
		return err
	}
	if err := writeFile(r.path(packedRefs), refs.text()); err != nil {
		return err
	}
	return r.pointHead(refs, name)
}

// put refuses a name that is a directory of another one, or the other way round: git could not keep both.
func (refs references) put(name plumbing.ReferenceName, to plumbing.Hash) error {
	for other := range refs {
		if strings.HasPrefix(string(other), string(name)+"/") || strings.HasPrefix(string(name), string(other)+"/") {
			return refuse("%s can't be beside %s; delete that one first", name.Short(), other.Short())
		}
	}
	refs[name] = to
	return nil
}

func moved(now plumbing.Hash) error {
	if now.IsZero() {
		return refuse("failed to update ref: it was deleted in the meantime; fetch, and push again")
	}
	return refuse("failed to update ref: it moved to %s in the meantime; fetch, and push again", short(now))
}

// pointHead lets HEAD name the branch that has moved where it names none that is there, so that a clone has something to
// check out.
func (r *repository) pointHead(refs references, name plumbing.ReferenceName) error {
	head, err := os.ReadFile(r.path("HEAD"))
	if err != nil {
		return err
	}
	target := strings.TrimSpace(strings.TrimPrefix(string(head), "ref: "))
	_, there := refs[plumbing.ReferenceName(target)]
	if _, ok := refs[name]; !ok || there || !name.IsBranch() {
		return nil
	}
	return writeFile(r.path("HEAD"), "ref: "+string(name)+"\n")
}

// short is a commit as people name it.
func short(hash plumbing.Hash) string { return hash.String()[:7] }
