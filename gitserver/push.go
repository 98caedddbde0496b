package gitserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"

	"github.com/go-git/go-git/v6/plumbing"
	"github.com/go-git/go-git/v6/plumbing/protocol/packp"
	"github.com/go-git/go-git/v6/plumbing/storer"
	"github.com/go-git/go-git/v6/plumbing/transport"
	"github.com/go-git/go-git/v6/storage"
)

// push is one push to a repository. It is the storage that go-git's receive-pack works on: what comes in goes to a pack
// that lies apart, and references are read and moved in ours.
type push struct {
	storage.Storer // the repository's, for what is not below
	s              *Server
	repo           *repository
	in             *incoming
	asked          *commandReader
	sink           *packSink
	flush          func() error // sends what was written to the client
}

func (s *Server) receivePack(w http.ResponseWriter, req *http.Request, r *repository) error {
	if err := r.make(); err != nil {
		return err
	}
	in, err := s.newIncoming(r)
	if err != nil {
		return err
	}
	defer in.Close()
	p := &push{Storer: in.base, s: s, repo: r, in: in, asked: &commandReader{req.Body, maxCommands}, flush: http.NewResponseController(w).Flush}
	p.sink = &packSink{in: in, limit: s.cfg.MaxBytes}
	return transport.ReceivePack(req.Context(), p, p.asked, nopCloser{w}, &transport.ReceivePackRequest{
		GitProtocol: req.Header.Get("Git-Protocol"), StatelessRPC: true,
		Hooks: transport.ReceivePackHooks{PreReceive: p.accept, PostReceive: p.tell},
	})
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

const maxCommands = 8 << 20 // bytes of what a push says before its pack, a line for each reference

// commandReader ends what a client says before its pack, all of which go-git keeps in memory.
type commandReader struct {
	io.ReadCloser
	left int64
}

func (r *commandReader) Read(b []byte) (int, error) {
	if r.left <= 0 {
		return 0, refuse("the push has too many references at once; push some of them, and then the others")
	}
	n, err := r.ReadCloser.Read(b)
	r.left -= int64(n)
	return n, err
}

// PackfileWriter implements storer.PackfileWriter.
func (p *push) PackfileWriter() (io.WriteCloser, error) {
	p.asked.left = math.MaxInt64 // the sink counts from here on
	return p.sink, nil
}

// accept checks all that came in, and takes it into the repository; no reference has moved yet.
func (p *push) accept(ctx context.Context, info *transport.PreReceiveInfo) error {
	return p.s.public(ctx, p.take(ctx, info.Commands), "push to "+p.repo.name)
}

func (p *push) take(ctx context.Context, commands []*packp.Command) error {
	if err := p.sink.tooMuch(); err != nil {
		return err
	}
	if p.sink.got > 0 {
		if err := p.in.check(ctx); err != nil {
			return err
		}
		if err := p.in.whole(ctx); err != nil {
			return err
		}
	}
	for _, c := range commands {
		if c.Action() == packp.Delete {
			continue
		}
		if err := p.in.pointsWell(c.Name, c.New); err != nil {
			return err
		}
	}
	return p.in.keep()
}

// HasEncodedObject is asked for what a reference is to point to, which has been checked by then.
func (p *push) HasEncodedObject(plumbing.Hash) error { return nil }

// Reference implements storer.ReferenceStorer.
func (p *push) Reference(name plumbing.ReferenceName) (*plumbing.Reference, error) {
	refs, err := p.repo.refs()
	if err != nil {
		return nil, p.s.public(context.Background(), err, "read references")
	}
	hash, ok := refs[name]
	if !ok {
		return nil, plumbing.ErrReferenceNotFound
	}
	return plumbing.NewHashReference(name, hash), nil
}

// SetReference makes a reference that is not there.
func (p *push) SetReference(ref *plumbing.Reference) error {
	return p.move(ref.Name(), plumbing.ZeroHash, ref.Hash())
}

// CheckAndSetReference moves a reference that points to old.
func (p *push) CheckAndSetReference(ref, old *plumbing.Reference) error {
	return p.move(ref.Name(), old.Hash(), ref.Hash())
}

// RemoveReference deletes a reference, which has been compared with what the client knew of it.
func (p *push) RemoveReference(name plumbing.ReferenceName) error {
	refs, err := p.repo.refs()
	if err != nil {
		return p.s.public(context.Background(), err, "read references")
	}
	return p.move(name, refs[name], plumbing.ZeroHash)
}

func (p *push) move(name plumbing.ReferenceName, from, to plumbing.Hash) error {
	return p.s.public(context.Background(), p.repo.move(name, from, to), "move "+name.String())
}

// tell passes on which branches have moved, and says on the client's screen what comes of it. The push is done: that the
// client may have gone does not matter any more.
func (p *push) tell(ctx context.Context, info *transport.PostReceiveInfo) error {
	ctx = context.WithoutCancel(ctx)
	uses, err := p.s.uses(ctx, p.repo)
	if err != nil {
		p.s.cfg.Log.Error("finding what a push deploys failed", "repository", p.repo.name, "error", err)
	}
	for _, c := range info.Commands {
		if !c.Name.IsBranch() {
			continue
		}
		branch := c.Name.Short()
		if p.s.cfg.Pushed != nil {
			p.s.cfg.Pushed(ctx, p.repo.account, p.repo.name, branch, id(c.Old), id(c.New))
		}
		if err == nil {
			for _, line := range news(p.repo.name, branch, c, uses) {
				fmt.Fprintln(info.Progress, line)
			}
		}
	}
	return p.flush()
}

func id(hash plumbing.Hash) string {
	if hash.IsZero() {
		return ""
	}
	return hash.String()
}

func (s *Server) uses(ctx context.Context, r *repository) ([]Use, error) {
	if s.cfg.Uses == nil {
		return nil, nil
	}
	return s.cfg.Uses(ctx, r.account, r.name)
}

// news are the lines that a client reads about a branch that has moved.
func news(repository, branch string, c *packp.Command, uses []Use) []string {
	var lines []string
	for _, u := range uses {
		switch {
		case u.Branch != branch:
			continue
		case c.Action() == packp.Delete:
			lines = append(lines, fmt.Sprintf("%s is deployed from %s, which is gone now; it goes on as it is, until you push %s again", u.Service, branch, branch))
		case u.Paused:
			lines = append(lines, fmt.Sprintf("%s is paused and stays so: `apron resume %s`, then `apron deploy %s` deploys commit %s", u.Service, u.Service, u.Service, short(c.New)))
		case u.Failed:
			lines = append(lines, fmt.Sprintf("%s failed, and no push deploys it; `apron show %s` says why, and after a failed create `apron up --name %s` in the working tree tries again", u.Service, u.Service, u.Service))
		case u.Auto:
			lines = append(lines, fmt.Sprintf("Commit %s goes to %s%s; follow with `apron logs %s --deployment`", short(c.New), u.Service, u.condition(), u.Service))
		default:
			lines = append(lines, fmt.Sprintf("%s does not deploy by itself: `apron deploy %s` deploys commit %s", u.Service, u.Service, short(c.New)))
		}
	}
	switch {
	case len(lines) > 0 || c.Action() == packp.Delete:
	case len(uses) == 0:
		lines = []string{fmt.Sprintf("No service uses %s yet: create one with `apron up --name %s` in the working tree", repository, repository)}
	default:
		for _, u := range uses {
			lines = append(lines, fmt.Sprintf("%s is not deployed: %s deploys %s", branch, u.Service, u.Branch))
		}
	}
	return lines
}

// condition is on what a service deploys by itself what is pushed: it looks at it first.
func (u Use) condition() string {
	if u.Directory == "" || u.Directory == "/" {
		return ", unless that has seen it before"
	}
	return " if something below " + u.Directory + " is new"
}

// IterReferences implements storer.ReferenceStorer.
func (p *push) IterReferences() (storer.ReferenceIter, error) {
	return nil, errors.ErrUnsupported // references are listed in another request
}
