// Package source fetches the git repositories that services are built from: which commit a branch points to, and that
// commit's files in a directory of their own. Repositories, servers and what they send are taken for hostile: everything is
// counted while it arrives, nothing is written before it has been looked at, and no git program takes part.
package source

import (
	"log/slog"
	"time"
)

// Remote is a branch of a repository, and who may read it.
type Remote struct {
	URL        string      // https, ssh, USER@HOST:PATH, file; http on near networks alone
	Branch     string      // "main", without refs/heads/
	Account    string      // whose built-in repositories the URL may mean
	Credential *Credential // nil: as anybody
}

// Credential is what a connection has: a token or password for https, or a key for ssh.
type Credential struct {
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
	FileRoots []string                                        // the directories below which file:// URLs may lead; none: such URLs are refused
	Loopback  []string                                        // each HOST or HOST:PORT, in lower case, that may be this machine itself or linked to it
	Local     func(account, url string) (dir string, ok bool) // the built-in git remote's repository of that URL; nil: there are none
}

// Commit is what a commit says of itself. Subject and Author are cut to 200 characters and hold no control characters.
type Commit struct {
	ID      string // 40 hexadecimal digits
	Subject string // the first line of its message
	Author  string // without the address
	At      time.Time
}

// Checkout is the files of one commit. It stays until Forget or Remove take it away.
type Checkout struct {
	Dir     string // holds exactly one directory, app: the tree, submodules included, without .git; all of the server's user, 0644 and 0755, mtimes of the commit
	Tree    string // hash over all content, that of submodules included: equal trees have equal files
	Commit  Commit
	Notices []string // what the user should know and what does not stop a build, a line each
}
