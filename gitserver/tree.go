package gitserver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/go-git/go-git/v6/plumbing"
	"github.com/go-git/go-git/v6/plumbing/object"
)

// Uploaded is the answer to PUT /git/<repository>/tree/<branch>, as JSON. The request's body is a tar of a working tree,
// plain, gzip or zstd, with files, directories and symbolic links that stay inside. Its commit gets the branch's head as
// its parent, the account as its author, and the parameter "message" of the URL as its message. A tree that is the head's
// already makes no commit. Nobody is told as of a push.
type Uploaded struct {
	Commit  string // full id
	Tree    string // full id of the commit's tree
	Branch  string
	URL     string // of the repository, for a service's RepositoryUrl
	Changed bool   // a commit was made
}

const (
	defaultMessage = "Working tree"
	maxMessage     = 4 << 10
)

func (s *Server) putTree(w http.ResponseWriter, req *http.Request, r *repository) error {
	branch, message := req.PathValue("branch"), req.URL.Query().Get("message")
	if name := branchRef(branch); branch == "" || name.Validate() != nil {
		return refuse("%q can't be a branch's name", branch)
	}
	if len(message) > maxMessage {
		return refuse("a message may have %d bytes", maxMessage)
	}
	if message == "" {
		message = defaultMessage
	}
	if err := r.make(); err != nil {
		return err
	}
	in, err := s.newIncoming(r)
	if err != nil {
		return err
	}
	defer in.Close()
	answer, err := in.upload(req, branch, message)
	if err != nil {
		return err
	}
	return writeJSON(w, answer)
}

// upload makes a commit of the request's tar, unless the branch has that tree already.
func (in *incoming) upload(req *http.Request, branch, message string) (Uploaded, error) {
	head, before, err := in.head(branch)
	if err != nil {
		return Uploaded{}, err
	}
	out, err := newPackWriter(in)
	if err != nil {
		return Uploaded{}, err
	}
	tree, err := readTree(req.Context(), req.Body, out, in.s.cfg.MaxBytes)
	if err != nil {
		return Uploaded{}, err
	}
	answer := Uploaded{Commit: id(head), Tree: tree.String(), Branch: branch, URL: in.s.cfg.URL + "/git/" + in.repo.name}
	if tree == before {
		return answer, nil
	}
	commit, err := out.object(in.commit(tree, head, message))
	if err != nil {
		return Uploaded{}, err
	}
	answer.Commit, answer.Changed = commit.String(), true
	return answer, in.land(req.Context(), out, branch, head, commit)
}

// land takes the finished pack into the repository and moves the branch.
func (in *incoming) land(ctx context.Context, out *packWriter, branch string, head, commit plumbing.Hash) error {
	if err := out.finish(); err != nil {
		return err
	}
	if err := in.check(ctx); err != nil {
		return err
	}
	if err := in.whole(ctx); err != nil {
		return err
	}
	if err := in.keep(); err != nil {
		return err
	}
	err := in.repo.move(branchRef(branch), head, commit)
	if _, refused := errors.AsType[*refusal](err); refused {
		return status{http.StatusConflict, refuse("%s moved while the working tree was on its way; send it again", branch)}
	}
	return err
}

// head is the branch's commit and its tree; both are zero where there is no such branch.
func (in *incoming) head(branch string) (commit, tree plumbing.Hash, err error) {
	refs, err := in.repo.refs()
	if err != nil {
		return commit, tree, err
	}
	commit, ok := refs[branchRef(branch)]
	if !ok {
		return commit, tree, nil
	}
	c, err := object.GetCommit(in.base, commit)
	if err != nil {
		return commit, tree, fmt.Errorf("read the head of %s: %w", branch, err)
	}
	return commit, c.TreeHash, nil
}

func (in *incoming) commit(tree, parent plumbing.Hash, message string) *object.Commit {
	by := object.Signature{Name: in.repo.account, Email: in.repo.account + "@apron", When: time.Now().UTC()}
	c := &object.Commit{Author: by, Committer: by, Message: message + "\n", TreeHash: tree}
	if !parent.IsZero() {
		c.ParentHashes = []plumbing.Hash{parent}
	}
	return c
}
