package source

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v6/plumbing"
	"github.com/go-git/go-git/v6/plumbing/format/config"
)

// locate says whether a repository is on this machine, and where.
func (f *Fetcher) locate(at address, r Remote) (origin, error) {
	o := origin{at: at, remote: r}
	if f.cfg.Local != nil {
		if dir, ok := f.cfg.Local(r.Account, r.URL); ok {
			o.local, o.zone = dir, private
			return o, f.checkLocal(o)
		}
	}
	if at.scheme != "file" {
		return o, nil
	}
	if len(f.cfg.FileRoots) == 0 {
		return o, refuse("%s is a repository in this machine's own files, and the operator does not allow those; push it to a git server, or to apron with `git push`", at)
	}
	for _, dir := range []string{filepath.Join(at.path, ".git"), at.path, at.path + ".git"} {
		if info, err := os.Stat(filepath.Join(dir, "objects")); err == nil && info.IsDir() {
			if !f.Readable(dir) {
				return o, refuse("%s is outside of the directories whose repositories the operator lets services be built from; ask for another, or push it to a git server", at)
			}
			o.local = dir
			return o, f.checkLocal(o)
		}
	}
	return o, refuse("%s is no git repository on the machine that apron runs on; check the path", at)
}

// Readable says whether file URLs may lead to a path, wherever the links in it lead.
func (f *Fetcher) Readable(path string) bool {
	path = resolved(path)
	for _, root := range f.cfg.FileRoots {
		if strings.HasPrefix(path, strings.TrimSuffix(resolved(root), "/")+"/") {
			return true
		}
	}
	return false
}

// resolved follows the links in a path as far as there is something.
func resolved(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return filepath.Clean(path)
}

// checkLocal refuses formats that would be misread.
func (f *Fetcher) checkLocal(o origin) error {
	st := openObjects(o.local)
	defer st.close()
	c, err := st.st.Config()
	if errors.Is(err, os.ErrNotExist) {
		return nil // a built-in repository that nothing was pushed to yet
	}
	if err != nil {
		return refuse("%s has a config file that cannot be read; run `git fsck` in it", o.at)
	}
	if c.Extensions.ObjectFormat == config.SHA256 {
		return refuse("%s names its objects with SHA-256, which apron does not read yet; use a repository with SHA-1, git's default", o.at)
	}
	return nil
}

// localBranch gives the commit at the head of a branch of a repository on this machine.
func localBranch(o origin) (plumbing.Hash, error) {
	objects := openObjects(o.local)
	defer objects.close()
	ref, err := objects.st.Reference(plumbing.NewBranchReferenceName(o.remote.Branch))
	if err == nil && ref.Type() == plumbing.HashReference {
		return ref.Hash(), nil
	}
	if err != nil && !errors.Is(err, plumbing.ErrReferenceNotFound) && !errors.Is(err, os.ErrNotExist) {
		return plumbing.ZeroHash, fmt.Errorf("read the branch %s: %w", o.remote.Branch, err)
	}
	var refs []*plumbing.Reference
	iter, err := objects.st.IterReferences()
	if err == nil {
		err = iter.ForEach(func(r *plumbing.Reference) error { refs = append(refs, r); return nil })
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return plumbing.ZeroHash, fmt.Errorf("read the branches: %w", err)
	}
	return plumbing.ZeroHash, noBranch(o.at, o.remote.Branch, refs)
}
