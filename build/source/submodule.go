package source

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/go-git/go-git/v6/plumbing"
	"github.com/go-git/go-git/v6/plumbing/format/config"
)

const (
	maxNesting    = 4  // submodules of submodules
	maxSubmodules = 64 // of one checkout
	maxModules    = 64 << 10
)

// origin is a repository that is read from, and how near it is.
type origin struct {
	at     address
	remote Remote
	local  string // its directory on this machine; "": it is on a server
	zone   zone
}

// addAll plans a commit's tree with its submodules. It gives a hash over all content.
func (j *job) addAll(ctx context.Context, p *plan, from origin, o *objects, tree plumbing.Hash, dir string, level int) (string, error) {
	first := len(p.modules)
	if err := p.add(o, tree, dir, strings.Count(dir, "/")); err != nil {
		return "", err
	}
	modules := p.modules[first:]
	if len(modules) == 0 {
		return tree.String(), nil
	}
	urls, err := o.submodules(tree)
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	fmt.Fprintln(sum, tree)
	for _, m := range modules {
		url, ok := urls[strings.TrimPrefix(strings.TrimPrefix(m.path, dir), "/")]
		if !ok {
			j.notices = append(j.notices, fmt.Sprintf("%s is a submodule that .gitmodules has no URL for, so it is an empty directory", shown(m.path)))
			continue
		}
		hash, err := j.submodule(ctx, p, from, m, url, level+1)
		if err != nil {
			return "", err
		}
		fmt.Fprintln(sum, m.path, hash)
	}
	return fmt.Sprintf("%x", sum.Sum(nil)), nil
}

// submodules reads .gitmodules: where which submodule is fetched from, by path.
func (o *objects) submodules(tree plumbing.Hash) (map[string]string, error) {
	list, err := o.tree(tree)
	if err != nil {
		return nil, err
	}
	for _, e := range list {
		if e.name == ".gitmodules" && (e.mode == modeFile || e.mode == modeExec) {
			text, err := o.read(plumbing.BlobObject, e.id, maxModules)
			if err != nil {
				return nil, err
			}
			return parseModules(text)
		}
	}
	return nil, nil
}

func parseModules(text []byte) (map[string]string, error) {
	var c config.Config
	if err := config.NewDecoder(bytes.NewReader(text)).Decode(&c); err != nil {
		return nil, refuse(".gitmodules cannot be read: %v; correct it with `git submodule`", oneLine(err.Error()))
	}
	urls := map[string]string{}
	for _, s := range c.Section("submodule").Subsections {
		if path, url := strings.TrimSuffix(s.Option("path"), "/"), s.Option("url"); path != "" && url != "" {
			urls[path] = url
		}
	}
	return urls, nil
}

// submodule plans one submodule's files at its path.
func (j *job) submodule(ctx context.Context, p *plan, super origin, m planned, url string, level int) (string, error) {
	if j.submodules++; level > maxNesting || j.submodules > maxSubmodules {
		return "", refuse("the repository nests submodules more than %d deep or has more than %d, at %s; put some of them into it as files", maxNesting, maxSubmodules, shown(m.path))
	}
	from, err := j.f.locateSubmodule(super, url)
	if err != nil {
		return "", inSubmodule(m.path, err)
	}
	o, err := j.open(ctx, &from, m.id, super.zone)
	if err != nil {
		return "", inSubmodule(m.path, j.f.explain(ctx, err, from))
	}
	c, err := o.commit(m.id)
	if err != nil {
		return "", inSubmodule(m.path, j.f.explain(ctx, err, from))
	}
	return j.addAll(ctx, p, from, o, c.tree, m.path, level)
}

// inSubmodule says where an error that the user can mend is.
func inSubmodule(path string, err error) error {
	e, ok := err.(*Error)
	if !ok {
		return err
	}
	return &Error{Reason: fmt.Sprintf("the submodule %s: %s", shown(path), e.Reason), Cause: e.Cause}
}

// locateSubmodule says where a submodule's URL leads, and refuses what leads to where the repository that names it has no
// business: this machine's files, unencrypted servers, and by way of the dialer closer networks.
func (f *Fetcher) locateSubmodule(super origin, url string) (origin, error) {
	if strings.HasPrefix(url, "./") || strings.HasPrefix(url, "../") {
		url = relativeURL(super.at.raw, url)
	}
	at, err := parseAddress(url)
	if err != nil {
		return origin{}, err
	}
	if (at.scheme == "file" || at.scheme == "http") && !at.sameServer(super.at) {
		return origin{}, refuse("its URL %s is one of %s://, which only a repository on the same server may name; give it an https or ssh URL in .gitmodules", at, at.scheme)
	}
	r := Remote{URL: url, Account: super.remote.Account}
	if at.sameServer(super.at) {
		r.Credential = super.remote.Credential
	}
	return f.locate(at, r)
}
