// Package source fetches the git repositories that services are built from: which commit a branch points to, and that
// commit's files in a directory of their own. Repositories, servers and what they send are taken for hostile: everything is
// counted while it arrives, nothing is written before it has been looked at, and no git program takes part.
package source

import (
	"context"
	"log/slog"
	"time"
)

// Remote is a branch of a repository, and who may read it.
type Remote struct {
	URL        string      // https, ssh, USER@HOST:PATH, file; http on loopback and private addresses alone
	Branch     string      // "main", without refs/heads/
	Account    string      // whose built-in repositories the URL may mean
	Credential *Credential // nil: as anybody
}

// Credential is what a connection has: a token or password for https, or a key for ssh.
type Credential struct {
	Username   string // "": one that the host accepts beside a token, and for ssh the URL's or "git"
	Password   string
	PrivateKey []byte // PEM, without passphrase
	KnownHosts []byte // lines as in ~/.ssh/known_hosts; none: the key of the first contact is kept and held against later ones
}

// Limits is what one fetch may cost. Zero fields take the defaults.
type Limits struct {
	Bytes int64         // of the objects as they are sent, and of the files as they are written: 1 GiB each
	Files int           // files, links and directories of one commit: 200 000
	Time  time.Duration // 10 min
}

// Config is what a Fetcher needs.
type Config struct {
	Dir       string // sources/ of the data directory; made when missing
	Log       *slog.Logger
	Limits    Limits
	AllowFile bool                                            // whether file:// URLs are read at all
	Local     func(account, url string) (dir string, ok bool) // the built-in git remote's repository of that URL; nil: there are none
}

// Commit is what a commit says of itself. Subject and Author are cut to 200 characters and hold no control characters.
type Commit struct {
	ID      string // 40 hexadecimal digits
	Subject string // the first line of its message
	Author  string // without the address
	At      time.Time
}

// Checkout is the files of one commit. It stays until Forget or Prune remove it.
type Checkout struct {
	Dir     string // holds exactly one directory, app: the tree, submodules included, without .git; all of the server's user, 0644 and 0755, mtimes of the commit
	Tree    string // hash over all content, that of submodules included: equal trees have equal files
	Commit  Commit
	Notices []string // what the user should know and what does not stop a build, a line each
}

// Head gives the commit that the branch points to: one question to the server, nothing is fetched. It blocks for up to a
// minute. Errors are *Error where the user can mend them.
func (f *Fetcher) Head(ctx context.Context, r Remote) (commit string, err error) {
	return f.head(ctx, r)
}

// Fetch gives the files of the branch's head. The service's id names the mirror that keeps what was fetched for the next
// time; a head that is there already costs that one question. It blocks for up to Limits.Time.
func (f *Fetcher) Fetch(ctx context.Context, service string, r Remote) (Checkout, error) {
	return f.fetch(ctx, service, r)
}

// Checkout gives the files of that very commit, whether or not the branch has moved on: from the mirror when it is there,
// else from the server, as long as the server still has it. It blocks for up to Limits.Time.
func (f *Fetcher) Checkout(ctx context.Context, service string, r Remote, commit string) (Checkout, error) {
	return f.checkout(ctx, service, r, commit)
}

// Touches says whether any commit after from, up to and with to, changes something below directory. It is true when that
// cannot be known: where history is longer than what is looked at, or where to does not descend from from.
func (f *Fetcher) Touches(ctx context.Context, service string, r Remote, from, to, directory string) (bool, error) {
	return f.touches(ctx, service, r, from, to, directory)
}

// Forget removes the mirror and the checkouts of a deleted service. It waits for a fetch under way.
func (f *Fetcher) Forget(service string) error { return f.forget(service) }

// Prune removes the mirrors and checkouts of services that keep does not want, and of all others the checkouts that were not
// used for olderThan. It returns how many bytes of files that freed.
func (f *Fetcher) Prune(ctx context.Context, keep func(service string) bool, olderThan time.Duration) (freed int64, err error) {
	return f.prune(ctx, keep, olderThan)
}

// Sub gives the directory inside app that a SourceDirectory names; "" and "/" are app itself. It is an *Error when there is
// no such directory, or only by way of a link that leads out of the repository.
func (c Checkout) Sub(directory string) (string, error) { return c.sub(directory) }
