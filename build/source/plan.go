package source

import (
	"path"
	"strings"

	"github.com/go-git/go-git/v6/plumbing"
)

// plan is what a checkout will hold. It is made in full before anything is written, so that a repository that may not be
// checked out leaves nothing, and one that names a few objects billions of times is stopped by counting.
type plan struct {
	limits  Limits
	named   int // entries of all directories
	dirs    []string
	files   []planned
	links   []planned
	modules []planned
	targets map[string]string // of links, by path
}

// planned is a name in the checkout, by its path from app.
type planned struct {
	path string
	mode uint32
	id   plumbing.Hash
	from *objects
}

const (
	maxDepth = 200  // directories in each other
	maxLink  = 4095 // bytes of a link's target: Linux's limit
)

// add plans a directory of a commit, and all below it.
func (p *plan) add(o *objects, tree plumbing.Hash, dir string, depth int) error {
	if depth > maxDepth {
		return refuse("the repository nests its directories more than %d deep, at %s; nest them less deeply", maxDepth, shown(dir))
	}
	list, err := o.tree(tree)
	if err != nil {
		return err
	}
	seen := make(map[string]bool, len(list))
	for _, e := range list {
		if err := checkName(dir, e.name); err != nil {
			return err
		}
		if seen[e.name] {
			return refuse("the repository has the name %s twice in one directory; run `git fsck` in it", shown(path.Join(dir, e.name)))
		}
		seen[e.name] = true
		if p.named++; p.named > p.limits.Files {
			return refuse("the repository is too large: a commit of it has more than %d files, links and directories, which is the limit; leave generated files out of it, or have the operator raise the limit", p.limits.Files)
		}
		if err := p.entry(planned{path.Join(dir, e.name), e.mode, e.id, o}, depth); err != nil {
			return err
		}
	}
	return nil
}

func (p *plan) entry(e planned, depth int) error {
	switch e.mode {
	case modeDir:
		p.dirs = append(p.dirs, e.path)
		return p.add(e.from, e.id, e.path, depth+1)
	case modeLink:
		return p.link(e)
	case modeModule:
		p.dirs = append(p.dirs, e.path)
		p.modules = append(p.modules, e)
	case modeFile, modeExec, 0o100664: // the last is of git's first year
		p.files = append(p.files, e)
	default:
		return refuse("the repository has %s with the mode %o, which git does not have; run `git fsck` in it", shown(e.path), e.mode)
	}
	return nil
}

func (p *plan) link(e planned) error {
	if path.Base(e.path) == ".gitmodules" {
		return refuse("the repository has %s as a symbolic link, which git does not follow; make it a file", e.path)
	}
	target, err := e.from.read(plumbing.BlobObject, e.id, maxLink)
	if err != nil {
		return err
	}
	if len(target) == 0 || strings.Contains(string(target), "\x00") {
		return refuse("the repository has the symbolic link %s to a name that no file can have; run `git fsck` in it", shown(e.path))
	}
	p.links = append(p.links, e)
	p.targets[e.path] = string(target)
	return nil
}

// checkLinks refuses links that lead out of the checkout, as they would be followed: on the way, other links count too.
func (p *plan) checkLinks() error {
	for _, l := range p.links {
		hops := 0
		if _, ok := p.follow(parents(path.Dir(l.path)), p.targets[l.path], &hops); !ok {
			return refuse("the repository has the symbolic link %s to %s, which leads out of the repository; make it lead to a file of the repository, with a relative path, or remove it",
				shown(l.path), shown(p.targets[l.path]))
		}
	}
	return nil
}

func parents(dir string) []string {
	if dir == "." {
		return nil
	}
	return strings.Split(dir, "/")
}

// follow walks a link's target from the directory at, and says where it ends and whether it stayed inside. Rings of links
// end nowhere, which is inside.
func (p *plan) follow(at []string, target string, hops *int) ([]string, bool) {
	if strings.HasPrefix(target, "/") {
		return nil, false
	}
	if *hops++; *hops > 40 { // Linux's own limit
		return at, true
	}
	for name := range strings.SplitSeq(target, "/") {
		switch name {
		case "", ".":
			continue
		case "..":
			if len(at) == 0 {
				return nil, false
			}
			at = at[:len(at)-1]
			continue
		}
		next := append(at[:len(at):len(at)], name)
		if onward, ok := p.targets[strings.Join(next, "/")]; ok {
			if next, ok = p.follow(at, onward, hops); !ok {
				return nil, false
			}
		}
		at = next
	}
	return at, true
}
