package source

import (
	"strings"
	"unicode"
)

// The longest name that Linux's file systems take, and a path that leaves room for the directory it is written below.
const (
	maxName = 255
	maxPath = 3000
)

// checkName refuses what must not be a name in a checkout. Names that mean .git on any file system are refused on all: what
// is built from source ends up on others.
func checkName(path, name string) error {
	switch {
	case name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00"):
		return refuse("the repository has a file with the name %q in %q, which no file can have; run `git fsck` in it", name, path)
	case meansGit(name):
		return refuse("the repository has a file with the name %q in %q, which git takes for its own on some systems; git itself refuses to check it out", name, path)
	case len(name) > maxName:
		return refuse("the repository has a file in %q whose name has %d bytes, and the limit is %d; shorten it", path, len(name), maxName)
	case len(path)+1+len(name) > maxPath:
		return refuse("the repository has a path of %d bytes (%.60q...), and the limit is %d; nest its directories less deeply", len(path)+1+len(name), path, maxPath)
	}
	return nil
}

// meansGit says whether a file system takes name for .git: in other case, with characters in it that HFS+ ignores, as NTFS's
// short name, with what NTFS drops at the end, or as a stream of it.
func meansGit(name string) bool {
	name = strings.ToLower(strings.Map(func(r rune) rune {
		if ignoredByHFS(r) {
			return -1
		}
		return r
	}, name))
	if i := strings.IndexAny(name, `:\`); i >= 0 {
		name = name[:i]
	}
	name = strings.TrimRight(name, ". ")
	return name == ".git" || name == "git~1"
}

func ignoredByHFS(r rune) bool {
	return r >= 0x200c && r <= 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x206a && r <= 0x206f || r == 0xfeff
}

// shown is a path as errors have it.
func shown(path string) string {
	if strings.ContainsFunc(path, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return "(a name with characters that cannot be shown)"
	}
	if len(path) > 200 {
		return path[:200] + "..."
	}
	return path
}
