package source

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"github.com/go-git/go-git/v6/plumbing"
)

// job is one fetch for a service, which it has to itself.
type job struct {
	f          *Fetcher
	service    string
	origin     origin
	s          *session   // to the service's repository, opened when it is first needed
	opened     []*objects // to be closed at the end
	sessions   []*session
	notices    []string
	submodules int
	fixed      bool // the commit is one that was the branch's head once, and need not be there any more
	warm       bool // something came from where it was before: to try anew may help
	unlock     func()
}

func (f *Fetcher) begin(ctx context.Context, service string, r Remote) (*job, error) {
	o, err := f.parse(r)
	if err != nil {
		return nil, err
	}
	unlock, err := f.lock(ctx, service)
	if err != nil {
		return nil, err
	}
	return &job{f: f, service: service, origin: o, unlock: unlock}, nil
}

func (f *Fetcher) parse(r Remote) (origin, error) {
	if strings.ContainsFunc(r.Branch, func(c rune) bool { return c <= ' ' || c == 0x7f || unicode.IsSpace(c) || unicode.IsControl(c) }) {
		return origin{}, refuse("no branch can be called %q; give the name of one as `git branch` prints it", r.Branch)
	}
	at, err := parseAddress(r.URL)
	if err != nil {
		return origin{}, err
	}
	return f.locate(at, r)
}

func (j *job) end() {
	j.reset()
	j.unlock()
}

// reset lets go of all that is open.
func (j *job) reset() {
	for _, o := range j.opened {
		o.close()
	}
	for _, s := range j.sessions {
		s.Close()
	}
	j.opened, j.sessions, j.s, j.notices, j.submodules, j.warm = nil, nil, nil, nil, 0, false
}

// session is the one conversation with the service's own server.
func (j *job) session(ctx context.Context) (*session, error) {
	if j.s != nil {
		return j.s, nil
	}
	s, err := j.f.open(ctx, j.origin.at, j.origin.remote.Credential, j.f.dialer(j.origin.at, loopback))
	if err != nil {
		return nil, err
	}
	j.s, j.sessions = s, append(j.sessions, s)
	j.origin.zone = s.zone
	return s, nil
}

// head asks which commit the branch points to.
func (j *job) head(ctx context.Context) (plumbing.Hash, error) {
	if j.origin.local != "" {
		return localBranch(j.origin)
	}
	s, err := j.session(ctx)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	return s.branch(ctx, j.origin.remote.Branch)
}

// open gives the objects of a repository, with a commit and all that it holds among them, and sets its zone.
func (j *job) open(ctx context.Context, o *origin, id plumbing.Hash, super zone) (*objects, error) {
	if o.local != "" {
		j.warm = true // git may put its packs together anew at any time
		objects := j.read(o.local)
		return objects, objects.measure(o.local)
	}
	var s *session // opened only if the mirror lacks the commit
	dir, err := j.obtain(ctx, o, id, func() (*session, error) {
		if o.at.raw == j.origin.at.raw {
			return j.session(ctx)
		}
		var err error
		if s, err = j.f.open(ctx, o.at, o.remote.Credential, j.f.dialer(o.at, super)); err == nil {
			j.sessions = append(j.sessions, s)
			o.zone = s.zone
		}
		return s, err
	})
	if err != nil {
		return nil, err
	}
	return j.read(dir), nil
}

func (j *job) read(dir string) *objects {
	o := openObjects(dir)
	j.opened = append(j.opened, o)
	return o
}

// obtain makes a commit be in the mirror of a repository, by the first way that the server goes along with: the commit
// alone, or the branch with all its history. It gives the mirror's directory.
func (j *job) obtain(ctx context.Context, o *origin, id plumbing.Hash, connect func() (*session, error)) (string, error) {
	dir := j.f.path("mirrors", j.service, o.at.key())
	m, err := openMirror(dir)
	if err != nil {
		return "", err
	}
	if m.has(id) {
		j.warm = true
		o.zone = m.zone(o.zone)
		return dir, nil
	}
	s, err := connect()
	if err != nil {
		return "", err
	}
	if m, err = j.f.renewed(m); err != nil {
		return "", err
	}
	j.warm = j.warm || len(m.fetched) > 0
	err = m.fetch(ctx, s, []plumbing.Hash{id}, 1, j.f.cfg.Limits)
	if err == nil {
		return dir, m.met(s.zone)
	}
	if !notServed(err) {
		return "", err
	}
	return j.obtainAll(ctx, o, id, connect)
}

// obtainAll fetches the heads of the branches with all their history, into a mirror of its own: such a server gives nothing
// else, or the commit is no longer on it.
func (j *job) obtainAll(ctx context.Context, o *origin, id plumbing.Hash, connect func() (*session, error)) (string, error) {
	if j.s != nil { // a server that has refused something hangs up
		j.s.Close()
		j.s = nil
	}
	s, err := connect()
	if err != nil {
		return "", err
	}
	prefix := "refs/heads/" + o.remote.Branch
	refs, err := s.list(ctx, prefix)
	if err != nil {
		return "", err
	}
	m, err := openMirror(j.f.path("mirrors", j.service, o.at.key()+"-whole"))
	if err == nil {
		m, err = j.f.renewed(m)
	}
	if err != nil {
		return "", err
	}
	heads := tips(refs, o.remote.Branch)
	if len(heads) > 0 {
		if err := m.fetch(ctx, s, heads, 0, j.f.cfg.Limits); err != nil {
			return "", err
		}
	}
	objects := j.read(m.dir)
	if _, err := objects.commit(id); err != nil {
		return "", noCommit(id, *o)
	}
	return m.dir, m.met(s.zone)
}

// noCommit is about a commit that was the branch's head when the deployment began.
func noCommit(id plumbing.Hash, o origin) error {
	return refuse("the commit %s is not on the branch %s of %s any more; deploy the branch's present commit with `apron deploy`", id, o.remote.Branch, o.at)
}

// checkout gives a commit's files, which may be there already. What a mirror gives that turns out to be damaged is fetched
// once more.
func (j *job) checkout(ctx context.Context, id plumbing.Hash) (Checkout, error) {
	dir := j.f.path("checkouts", j.service, j.origin.at.key()+"-"+id.String())
	if c, ok := j.f.load(dir); ok {
		return c, nil
	}
	began := time.Now()
	c, err := j.make(ctx, id, dir)
	if damage(err) && j.warm {
		j.f.cfg.Log.Warn("a repository lacks what it had, and is read anew", "service", j.service, "error", err)
		j.reset()
		if err := j.f.remove(j.f.path("mirrors", j.service)); err != nil {
			return Checkout{}, err
		}
		c, err = j.make(ctx, id, dir)
	}
	if gone, ok := errors.AsType[*missingError](err); ok && gone.id == id && j.fixed {
		return Checkout{}, noCommit(id, j.origin)
	}
	if err != nil {
		return Checkout{}, err
	}
	j.f.cfg.Log.Info("source fetched", "service", j.service, "url", j.origin.at.String(), "commit", c.Commit.ID, "took", time.Since(began))
	return c, nil
}

// damage says whether an error may come of a mirror that is not what it should be.
func damage(err error) bool {
	if err == nil {
		return false
	}
	if _, ok := errors.AsType[*missingError](err); ok {
		return true
	}
	_, user := errors.AsType[*Error](err)
	return !user && errors.Is(err, os.ErrNotExist)
}

// make writes the checkout aside and publishes it with one rename.
func (j *job) make(ctx context.Context, id plumbing.Hash, dir string) (Checkout, error) {
	o, err := j.open(ctx, &j.origin, id, j.origin.zone)
	if err != nil {
		return Checkout{}, err
	}
	c, err := o.commit(id)
	if err != nil {
		return Checkout{}, err
	}
	p := &plan{limits: j.f.cfg.Limits, targets: map[string]string{}}
	sum, err := j.addAll(ctx, p, j.origin, o, c.tree, "", 0)
	if err != nil {
		return Checkout{}, err
	}
	if err := p.checkLinks(); err != nil {
		return Checkout{}, err
	}
	return j.publish(ctx, p, Checkout{Tree: sum, Commit: c.Commit}, dir)
}

func (j *job) publish(ctx context.Context, p *plan, c Checkout, dir string) (Checkout, error) {
	tmp, err := os.MkdirTemp(j.f.path("tmp"), "checkout-*")
	if err != nil {
		return Checkout{}, fmt.Errorf("write the checkout: %w", err)
	}
	defer os.RemoveAll(tmp)
	files := filepath.Join(tmp, "it", "files")
	if err := os.MkdirAll(files, 0o755); err != nil {
		return Checkout{}, fmt.Errorf("write the checkout: %w", err)
	}
	w, err := p.write(ctx, files, c.Commit.At)
	if err != nil {
		return Checkout{}, err
	}
	c.Notices = append(j.notices, w.notices()...)
	if err := j.f.record(filepath.Join(tmp, "it"), c); err != nil {
		return Checkout{}, err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return Checkout{}, fmt.Errorf("write the checkout: %w", err)
	}
	if err := j.f.remove(dir); err != nil { // one that is not trusted any more
		return Checkout{}, err
	}
	if err := os.Rename(filepath.Join(tmp, "it"), dir); err != nil {
		return Checkout{}, fmt.Errorf("write the checkout: %w", err)
	}
	c.Dir = filepath.Join(dir, "files")
	return c, nil
}
