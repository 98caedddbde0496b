package worktree

import (
	"crypto"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-billy/v6"
	"github.com/go-git/go-billy/v6/osfs"
	"github.com/go-git/go-git/v6/plumbing/format/gitignore"
	"github.com/go-git/go-git/v6/plumbing/format/index"
	githash "github.com/go-git/go-git/v6/plumbing/hash"
)

// rules say which files of a directory are left out.
type rules struct {
	git     bool
	files   billy.Filesystem // the working tree that the directory is in, or the directory itself
	base    []string         // from there to the directory
	scope   *gitignore.Scope
	tracked map[string]bool // paths from base of what git tracks, and of the directories above
}

// openRules reads what holds for a directory: its own .gitignore, and those above it if it is inside a git working tree.
func openRules(dir string) (*rules, error) {
	root := workingTree(dir)
	r := &rules{git: root != ""}
	if !r.git {
		root = dir
	}
	r.files = osfs.New(root)
	if inside, err := filepath.Rel(root, dir); err == nil && inside != "." {
		r.base = strings.Split(filepath.ToSlash(inside), "/")
	}
	global, _ := gitignore.LoadGlobalPatterns(osfs.New("/")) // the user's own; nothing depends on them
	own, err := gitignore.RootPatterns(r.files)
	if err != nil {
		return nil, err
	}
	if gitDir := gitDir(root); r.git && gitDir != filepath.Join(root, ".git") {
		own = append(excludes(gitDir), own...)
	}
	r.scope = gitignore.NewScope(append(global, own...))
	for n := range r.base { // up to the directory, whose own .gitignore is read with its entries
		if n < len(r.base)-1 {
			if r.scope, err = r.descend(r.base[:n+1]); err != nil {
				return nil, err
			}
		}
	}
	if r.git {
		r.tracked, err = trackedBelow(gitDir(root), strings.Join(r.base, "/"))
	}
	return r, err
}

// workingTree is the directory at or above dir that has a .git, "" if there is none.
func workingTree(dir string) string {
	for {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			return dir
		}
		above := filepath.Dir(dir)
		if above == dir {
			return ""
		}
		dir = above
	}
}

// gitDir is where a working tree's repository is. That of a submodule or a second working tree is elsewhere, and .git a
// file that says where.
func gitDir(root string) string {
	dir := filepath.Join(root, ".git")
	text, err := os.ReadFile(dir)
	to, ok := strings.CutPrefix(strings.TrimSpace(string(text)), "gitdir: ")
	if err != nil || !ok {
		return dir
	}
	if !filepath.IsAbs(to) {
		to = filepath.Join(root, to)
	}
	return to
}

// excludes reads info/exclude of a repository that is elsewhere.
func excludes(gitDir string) (patterns []gitignore.Pattern) {
	common := gitDir
	if text, err := os.ReadFile(filepath.Join(gitDir, "commondir")); err == nil {
		common = filepath.Join(gitDir, strings.TrimSpace(string(text)))
	}
	text, err := os.ReadFile(filepath.Join(common, "info", "exclude"))
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\r\n")
		if !strings.HasPrefix(line, "#") && strings.TrimSpace(line) != "" {
			patterns = append(patterns, gitignore.ParsePattern(line, nil))
		}
	}
	return patterns
}

// trackedBelow reads git's index: what is tracked belongs to the tree, also where .gitignore names it.
func trackedBelow(gitDir, base string) (map[string]bool, error) {
	f, err := os.Open(filepath.Join(gitDir, "index"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var x index.Index
	if err := index.NewDecoder(f, githash.New(crypto.SHA1)).Decode(&x); err != nil {
		return nil, fmt.Errorf("read %s: %w; `git status` shows whether git can", f.Name(), err)
	}
	tracked := map[string]bool{}
	for _, e := range x.Entries {
		name, ok := strings.CutPrefix("/"+e.Name, strings.TrimSuffix("/"+base, "/")+"/")
		for ok && name != "." && !tracked[name] {
			tracked[name] = true
			name = path.Dir(name)
		}
	}
	return tracked, nil
}

// in are the rules inside a directory of the tree, which has these entries.
func (r *rules) in(dir string, entries []fs.DirEntry) (*rules, error) {
	full := r.full(dir)
	if len(full) == 0 {
		return r, nil // the root's own are there already
	}
	deeper := *r
	var err error
	if slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == gitignore.IgnoreFile }) {
		deeper.scope, err = r.descend(full)
	} else {
		deeper.scope, err = r.scope.Descend(full, nil)
	}
	return &deeper, err
}

func (r *rules) descend(full []string) (*gitignore.Scope, error) {
	return r.scope.Descend(full, func() ([]gitignore.Pattern, error) { return gitignore.DirPatterns(r.files, full) })
}

func (r *rules) leaveOut(name string, isDir bool) bool {
	return r.scope.Match(r.full(name), isDir) && !r.tracked[name]
}

// full is a path from the root of the working tree.
func (r *rules) full(name string) []string {
	if name == "" {
		return r.base
	}
	return slices.Concat(r.base, strings.Split(name, "/"))
}
