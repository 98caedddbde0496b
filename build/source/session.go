package source

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-git/go-git/v6/plumbing"
	"github.com/go-git/go-git/v6/plumbing/format/pktline"
	"github.com/go-git/go-git/v6/plumbing/protocol/capability"
	"github.com/go-git/go-git/v6/plumbing/protocol/packp"
	"github.com/go-git/go-git/v6/plumbing/protocol/packp/sideband"
)

// agent is how apron calls itself to servers.
const agent = "apron/1"

// conn is a way to one repository's git-upload-pack.
type conn interface {
	advertisement() io.Reader
	// ask sends a question and gives what comes back, which is read before the next.
	ask(ctx context.Context, question []byte) (io.ReadCloser, error)
	Close() error
}

// session is a conversation with a server about one repository, in version 2 of git's protocol or the one before.
type session struct {
	conn
	at     address
	zone   zone
	secret *Credential
	v2     bool
	caps   capability.List
	refs   []*plumbing.Reference // of the older protocol, which tells all of them unasked
}

// open connects and hears what the server can do. Errors are as the network gave them.
func (f *Fetcher) open(ctx context.Context, a address, cred *Credential, d *dialer) (*session, error) {
	var c conn
	var err error
	if a.scheme == "ssh" {
		c, err = f.dialSSH(ctx, a, cred, d)
	} else {
		c, err = f.dialHTTP(ctx, a, cred, d)
	}
	if err != nil {
		return nil, err
	}
	s := &session{conn: c, at: a, zone: d.zone(), secret: cred}
	if err := s.hear(); err != nil {
		defer c.Close()
		return nil, s.reason(err)
	}
	return s, nil
}

// answerError is what was wrong with a server's answer.
type answerError struct{ err error }

func (e *answerError) Error() string { return e.err.Error() }
func (e *answerError) Unwrap() error { return e.err }

// reason prefers a server's own words to the end of a stream.
func (s *session) reason(err error) error {
	if err == nil {
		return nil
	}
	if c, ok := s.conn.(*sshConn); ok {
		err = c.reason(err)
	}
	return &answerError{err}
}

func (s *session) hear() error {
	r := bufio.NewReaderSize(s.advertisement(), pktline.MaxSize)
	_, line, err := pktline.PeekLine(r)
	if err == nil && bytes.HasPrefix(line, []byte("# service=")) {
		_, _, _ = pktline.ReadLine(r)
		_, _, _ = pktline.ReadLine(r) // the flush after it
		_, line, err = pktline.PeekLine(r)
	}
	switch {
	case err != nil:
		return err
	case bytes.HasPrefix(line, []byte("version 2")):
		adv := packp.CapabilityAdv{}
		err = adv.Decode(r)
		s.v2, s.caps = true, adv.Capabilities
	default:
		adv := packp.AdvRefs{}
		if err = adv.Decode(r); errors.Is(err, packp.ErrEmptyAdvRefs) {
			err = nil
		}
		s.refs, s.caps = adv.References, adv.Capabilities
	}
	if err == nil && slices.Contains(s.caps.Get(capability.ObjectFormat), "sha256") {
		return refuse("%s names its objects with SHA-256, which apron does not read yet; use a repository with SHA-1, git's default", s.at)
	}
	return err
}

// branch gives the commit at the head of a branch.
func (s *session) branch(ctx context.Context, name string) (plumbing.Hash, error) {
	want := "refs/heads/" + name
	refs, err := s.list(ctx, want)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	for _, r := range refs {
		if r.Name().String() == want {
			return r.Hash(), nil
		}
	}
	if refs, err = s.list(ctx, "refs/heads/"); err != nil {
		return plumbing.ZeroHash, err
	}
	return plumbing.ZeroHash, noBranch(s.at, name, refs)
}

// list gives the references that begin with prefix, and with the older protocol all others too.
func (s *session) list(ctx context.Context, prefix string) ([]*plumbing.Reference, error) {
	if !s.v2 {
		return s.refs, nil
	}
	var question bytes.Buffer
	req := packp.CommandRequest{Command: "ls-refs", Capabilities: s.capabilities(), Args: &packp.LsRefsArgs{RefPrefixes: []string{prefix}}}
	if err := req.Encode(&question); err != nil {
		return nil, err
	}
	answer, err := s.ask(ctx, question.Bytes())
	if err != nil {
		return nil, s.reason(err)
	}
	var out packp.LsRefsOutput
	err = out.Decode(io.LimitReader(answer, maxAdvertised))
	return out.References, s.reason(err)
}

func (s *session) capabilities() (caps capability.List) {
	if s.caps.Supports(capability.Agent) {
		caps.Set(capability.Agent, agent)
	}
	if s.caps.Supports(capability.ObjectFormat) {
		caps.Set(capability.ObjectFormat, "sha1")
	}
	return caps
}

// want is what a fetch asks for. Where something is here, the pack may hold differences to it: only so do servers leave out
// what a commit without its history shares with another.
type want struct {
	commits []plumbing.Hash
	depth   int             // 0: all of the history
	have    []plumbing.Hash // commits that are here, with all that they hold
	shallow []plumbing.Hash // those of them whose parents are not here
	noFiles bool            // commits and trees alone, where the server can leave files out
}

// can says whether the server understands a feature of fetching.
func (s *session) can(feature string) bool {
	if !s.v2 {
		return s.caps.Supports(feature)
	}
	for _, v := range s.caps.Get(capability.FetchCmd) {
		if slices.Contains(strings.Fields(v), feature) {
			return true
		}
	}
	return false
}

// pack asks for a pack. It gives the stream of it, and the commits whose parents the server left out.
func (s *session) pack(ctx context.Context, w want) (stream io.ReadCloser, shallow []plumbing.Hash, err error) {
	if !s.can("shallow") {
		w.depth, w.shallow = 0, nil
	}
	question := s.question(w)
	answer, err := s.ask(ctx, question)
	if err != nil {
		return nil, nil, s.reason(err)
	}
	preface := &capped{answer, maxPreface}
	body := bufio.NewReaderSize(preface, 64<<10)
	if s.v2 {
		stream, shallow, err = packV2(body)
	} else {
		stream, shallow, err = s.packV0(body, w.depth > 0)
	}
	if err != nil {
		answer.Close()
		return nil, nil, s.reason(err)
	}
	preface.left = -1
	return readCloser{stream, answer}, shallow, nil
}

// maxPreface is far above what a server has to say before a pack: where it cut history off.
const maxPreface = 4 << 20

// capped reads so many bytes, and with fewer than none without end.
type capped struct {
	r    io.Reader
	left int
}

func (c *capped) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, errors.New("more before the pack than any server has to say")
	}
	if c.left > 0 {
		p = p[:min(len(p), c.left)]
	}
	n, err := c.r.Read(p)
	if c.left > 0 {
		c.left -= n
	}
	return n, err
}

func (s *session) question(w want) []byte {
	if !s.v2 {
		return s.questionV0(w)
	}
	args := &packp.FetchArgs{Wants: w.commits, Haves: w.have, Shallows: w.shallow, Deepen: w.depth, Done: true, ThinPack: len(w.have) > 0, NoProgress: true, OFSDelta: true}
	if w.noFiles && s.can("filter") {
		args.Filter = packp.FilterBlobNone()
	}
	var b bytes.Buffer
	_ = (&packp.CommandRequest{Command: "fetch", Capabilities: s.capabilities(), Args: args}).Encode(&b) // into memory
	return b.Bytes()
}

// questionV0 asks for nothing that makes of the answer more than a pack: no talk about what is common.
func (s *session) questionV0(w want) []byte {
	var caps []string
	for _, c := range []string{"side-band-64k", "ofs-delta", "no-progress", "shallow", "filter"} {
		if s.caps.Supports(c) {
			caps = append(caps, c)
		}
	}
	if len(w.have) > 0 && s.caps.Supports(capability.ThinPack) {
		caps = append(caps, "thin-pack")
	}
	if s.caps.Supports(capability.Agent) {
		caps = append(caps, "agent="+agent)
	}
	var b bytes.Buffer // which no write to fails
	for _, h := range w.commits {
		_, _ = pktline.Writef(&b, "want %s %s\n", h, strings.Join(caps, " ")) // only the first line's are looked at
	}
	for _, h := range w.shallow {
		_, _ = pktline.Writef(&b, "shallow %s\n", h)
	}
	if w.depth > 0 {
		_, _ = pktline.Writef(&b, "deepen %d\n", w.depth)
	}
	if w.noFiles && s.can("filter") {
		_, _ = pktline.WriteString(&b, "filter blob:none\n")
	}
	_ = pktline.WriteFlush(&b)
	for _, h := range w.have {
		_, _ = pktline.Writef(&b, "have %s\n", h)
	}
	_, _ = pktline.WriteString(&b, "done\n")
	return b.Bytes()
}

func packV2(r *bufio.Reader) (io.ReadCloser, []plumbing.Hash, error) {
	var out packp.FetchOutput
	if err := out.Decode(r); err != nil {
		return nil, nil, err
	}
	if !out.Packfile {
		return nil, nil, errors.New("the server answered without a pack")
	}
	var shallow []plumbing.Hash
	if out.ShallowInfo != nil {
		shallow = out.ShallowInfo.Shallows
	}
	return io.NopCloser(sideband.NewDemuxer(sideband.Sideband64k, r)), shallow, nil
}

// packV0 reads what stands before the pack: where history was cut, and one line about what is here already, as no
// capability was asked for that makes it more.
func (s *session) packV0(r *bufio.Reader, cut bool) (io.ReadCloser, []plumbing.Hash, error) {
	var shallow packp.ShallowUpdate
	if cut {
		if err := shallow.Decode(r); err != nil {
			return nil, nil, err
		}
	}
	_, line, err := pktline.ReadLine(r)
	if err != nil {
		return nil, nil, err
	}
	if !bytes.HasPrefix(line, []byte("NAK")) && !bytes.HasPrefix(line, []byte("ACK ")) {
		return nil, nil, fmt.Errorf("the server answered %.80q before the pack", line)
	}
	if s.caps.Supports(capability.Sideband64k) {
		return io.NopCloser(sideband.NewDemuxer(sideband.Sideband64k, r)), shallow.Shallows, nil
	}
	return io.NopCloser(r), shallow.Shallows, nil
}

type readCloser struct {
	io.Reader
	io.Closer
}
