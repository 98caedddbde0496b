package source

import (
	"os"
	"path/filepath"
	"testing"
)

// TestFile_IsReadBelowItsRootsAlone however a URL or a submodule gets to it.
func TestFile_IsReadBelowItsRootsAlone(t *testing.T) {
	allowed, other := t.TempDir(), t.TempDir()
	inside, outside := newRepo(t, allowed, "web"), newRepo(t, other, "secret")
	outside.commit("secret", "secret", "secret\n")
	inside.commit("web", "web", "web\n")
	if err := os.Symlink(outside.dir, filepath.Join(allowed, "link")); err != nil {
		t.Fatal(err)
	}
	cfg := Config{FileRoots: []string{allowed}}
	fetch(t, newFetcher(t, cfg), Remote{URL: "file://" + inside.dir, Branch: "main"})
	f := newFetcher(t, cfg)
	const refusal = "outside of the directories whose repositories the operator lets services be built from"
	fetchRefused(t, f, Remote{URL: "file://" + outside.dir, Branch: "main"}, refusal)
	fetchRefused(t, f, Remote{URL: "file://" + filepath.Join(allowed, "link"), Branch: "main"}, refusal)
	fetchRefused(t, f, Remote{URL: "file://" + filepath.Join(allowed, "..", filepath.Base(other), "secret"), Branch: "main"})

	inside.git("-c", "protocol.file.allow=always", "submodule", "add", "file://"+outside.dir, "module")
	inside.commit("module")
	fetchRefused(t, f, Remote{URL: "file://" + inside.dir, Branch: "main"}, "module", refusal)
}

func TestCheckout_SaysThatTheCommitIsGoneFromARepositoryOnThisMachine(t *testing.T) {
	r := newRepo(t, t.TempDir(), "web")
	gone := r.commit("first", "a", "1")
	r.git("commit", "-q", "--amend", "-m", "second")
	r.git("reflog", "expire", "--expire=now", "--all")
	r.git("gc", "-q", "--prune=now")
	f := newFetcher(t, Config{FileRoots: []string{"/"}})
	_, err := f.Checkout(t.Context(), "service", Remote{URL: "file://" + r.dir, Branch: "main"}, gone)
	refused(t, err, gone, "is not on the branch main", "`apron deploy`")
}
