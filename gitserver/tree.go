package gitserver

// Uploaded is the answer to PUT /git/<repository>/tree/<branch>, as JSON. The request's body is a tar of a working tree,
// plain, gzip or zstd; its commit gets the branch's head as its parent, the account as its author, and the header
// Apron-Message as its message. A tree that is the head's already makes no commit.
type Uploaded struct {
	Commit  string // full id
	Tree    string // full id of the commit's tree
	Branch  string
	Changed bool // a commit was made
}
