package gitserver_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"apron/gitserver"
)

func TestPush_MakesTheRepositoryAndCloneReadsItBack(t *testing.T) {
	for _, version := range []string{"0", "1", "2"} {
		t.Run("protocol "+version, func(t *testing.T) {
			w, c := newWorld(t), newCheckout(t)
			first := c.commit("app.py", "print(1)\n")
			second := c.commit("lib/x.py", "x = 1\n")
			c.git("tag", "-a", "v1", "-m", "first")
			c.git("-c", "protocol.version="+version, "push", "-q", w.url("OWNER", "web-app"), "main", "v1")
			if got := w.head("web-app", "main"); got != second {
				t.Errorf("main is %s, want %s", got, second)
			}
			w.sound("web-app")
			d := newCheckout(t)
			d.git("-c", "protocol.version="+version, "clone", "-q", w.url("READER", "web-app.git"), "copy")
			copied := checkout{t, filepath.Join(d.dir, "copy")}
			if got := copied.git("log", "--format=%H"); got != second+"\n"+first {
				t.Errorf("the clone has %s", got)
			}
			if got := copied.git("describe"); got != "v1" {
				t.Errorf("the clone's tag is %s", got)
			}
			third := c.commit("app.py", "print(2)\n")
			c.git("-c", "protocol.version="+version, "push", "-q", w.url("OWNER", "web-app"), "main")
			copied.git("-c", "protocol.version="+version, "pull", "-q")
			if got := copied.git("rev-parse", "HEAD"); got != third {
				t.Errorf("after a pull the clone is at %s, want %s", got, third)
			}
			want := []string{owner + " web-app main  " + second, owner + " web-app main " + second + " " + third}
			if strings.Join(w.pushed, "\n") != strings.Join(want, "\n") {
				t.Errorf("told of %q, want %q", w.pushed, want)
			}
		})
	}
}

func TestPush_ForceAndDelete(t *testing.T) {
	w, c := newWorld(t), newCheckout(t)
	first := c.commit("a", "1")
	c.commit("a", "2")
	c.git("push", "-q", w.url("OWNER", "web-app"), "main", "main:topic")
	c.git("reset", "-q", "--hard", first)
	c.fails("non-fast-forward", "push", w.url("OWNER", "web-app"), "main")
	c.git("push", "-q", "--force", w.url("OWNER", "web-app"), "main")
	if got := w.head("web-app", "main"); got != first {
		t.Errorf("after a forced push main is %s, want %s", got, first)
	}
	c.git("push", "-q", w.url("OWNER", "web-app"), "--delete", "topic")
	if got := w.head("web-app", "topic"); got != "" {
		t.Errorf("a deleted branch is at %s", got)
	}
	w.sound("web-app")
}

func TestPush_FirstBranchIsWhatACloneChecksOut(t *testing.T) {
	w, c := newWorld(t), newCheckout(t)
	c.commit("a", "1")
	c.git("push", "-q", w.url("OWNER", "web-app"), "main:trunk")
	c.git("clone", "-q", w.url("OWNER", "web-app"), "copy")
	if got := (checkout{t, filepath.Join(c.dir, "copy")}).git("branch", "--show-current"); got != "trunk" {
		t.Errorf("the clone is on %q, want trunk", got)
	}
}

func TestPush_BranchBelowAnotherIsRefused(t *testing.T) {
	w, c := newWorld(t), newCheckout(t)
	c.commit("a", "1")
	c.git("push", "-q", w.url("OWNER", "web-app"), "main")
	c.fails("main/x can't be beside main", "push", w.url("OWNER", "web-app"), "main:main/x")
	w.sound("web-app")
}

func TestFetch_Shallow(t *testing.T) {
	for _, version := range []string{"0", "2"} {
		t.Run("protocol "+version, func(t *testing.T) {
			w, c := newWorld(t), newCheckout(t)
			for _, text := range []string{"1", "2", "3"} {
				c.commit("a", text)
			}
			c.git("push", "-q", w.url("OWNER", "web-app"), "main")
			c.git("-c", "protocol.version="+version, "clone", "-q", "--depth", "1", w.url("OWNER", "web-app"), "copy")
			copied := checkout{t, filepath.Join(c.dir, "copy")}
			copied.git("config", "protocol.version", version)
			has := func(commits string) {
				t.Helper()
				if got := copied.git("rev-list", "--count", "HEAD"); got != commits {
					t.Errorf("the clone has %s commits, want %s", got, commits)
				}
			}
			has("1")
			copied.git("fetch", "-q", "--depth", "2")
			has("2")
			copied.git("fetch", "-q", "--unshallow")
			has("3")
			c.commit("a", "4")
			c.git("push", "-q", w.url("OWNER", "web-app"), "main")
			copied.git("pull", "-q")
			has("4")
			copied.git("fsck", "--strict")
		})
	}
}

// TestFetch_AfterBothHaveGoneOn makes git tell so many commits that it compresses what it asks.
func TestFetch_AfterBothHaveGoneOn(t *testing.T) {
	for _, version := range []string{"0", "2"} {
		t.Run("protocol "+version, func(t *testing.T) {
			w, c := newWorld(t), newCheckout(t)
			c.commit("a", "1")
			c.git("push", "-q", w.url("OWNER", "web-app"), "main")
			c.git("clone", "-q", w.url("OWNER", "web-app"), "copy")
			copied := checkout{t, filepath.Join(c.dir, "copy")}
			for n := range 150 {
				copied.git("commit", "-q", "--allow-empty", "-m", fmt.Sprint(n))
			}
			want := c.commit("a", "2")
			c.git("push", "-q", w.url("OWNER", "web-app"), "main")
			copied.git("-c", "protocol.version="+version, "fetch", "-q")
			if got := copied.git("rev-parse", "origin/main"); got != want {
				t.Errorf("fetched %s, want %s", got, want)
			}
			copied.git("fsck", "--strict")
		})
	}
}

func TestPush_OfAClientThatFallsSilentIsCutOff(t *testing.T) {
	w := newWorld(t, func(cfg *gitserver.Config) { cfg.Idle = 200 * time.Millisecond })
	conn, err := net.Dial("tcp", w.http.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const key = "T1dORVI6c2VjcmV0" // OWNER:secret
	fmt.Fprintf(conn, "POST /git/web-app/git-receive-pack HTTP/1.1\r\nHost: x\r\nAuthorization: Basic %s\r\n"+
		"Content-Type: application/x-git-receive-pack-request\r\nContent-Length: 1000000\r\n\r\n00", key)
	if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(conn); err != nil {
		t.Errorf("the server goes on waiting: %v", err)
	}
	if w.incoming() {
		t.Error("what it was to push has left something")
	}
}

func TestPush_FromAShallowCloneSaysWhatToDo(t *testing.T) {
	w, c := newWorld(t), newCheckout(t)
	c.commit("a", "1")
	c.commit("a", "2")
	c.git("clone", "-q", "--depth", "1", "file://"+c.dir, "shallow")
	shallow := checkout{t, filepath.Join(c.dir, "shallow")}
	shallow.fails("git fetch --unshallow", "push", w.url("OWNER", "web-app"), "main")
	shallow.git("fetch", "-q", "--unshallow")
	shallow.git("push", "-q", w.url("OWNER", "web-app"), "main")
}

func TestPush_OverTheLimitIsRefusedOnTheClientsScreen(t *testing.T) {
	w, c := newWorld(t, func(cfg *gitserver.Config) { cfg.MaxBytes = 2 << 20 }), newCheckout(t)
	noise := make([]byte, 5<<20)
	rand.NewChaCha8([32]byte{}).Read(noise)
	c.commit("big", string(noise))
	c.fails("the push has more than 2 MiB", "push", w.url("OWNER", "web-app"), "main")
	if got := w.head("web-app", "main"); got != "" {
		t.Errorf("after a refused push main is %s", got)
	}
	w.sound("web-app")
	if packs, _ := filepath.Glob(filepath.Join(w.dir, owner, "web-app.git/objects/pack/*")); len(packs) > 0 {
		t.Errorf("a refused push left %v", packs)
	}
}

func TestPush_LargeIsStreamed(t *testing.T) {
	w, c := newWorld(t), newCheckout(t)
	noise := make([]byte, 6<<20)
	rand.NewChaCha8([32]byte{}).Read(noise)
	head := c.commit("big", string(noise))
	c.git("push", "-q", w.url("OWNER", "web-app"), "main")
	c.git("clone", "-q", w.url("OWNER", "web-app"), "copy")
	got, err := os.ReadFile(filepath.Join(c.dir, "copy", "big"))
	if err != nil || string(got) != string(noise) {
		t.Errorf("6 MiB came back as %d bytes, %v", len(got), err)
	}
	if w.head("web-app", "main") != head {
		t.Error("main did not move")
	}
}

func TestPush_HistoryWithDeltasStaysWhole(t *testing.T) {
	w, c := newWorld(t), newCheckout(t)
	var lines []string
	for n := range 2000 {
		lines = append(lines, strings.Repeat(string(rune('a'+n%26)), 40))
	}
	for n := range 30 {
		lines[n*50] = "changed"
		c.commit("text", strings.Join(lines, "\n"))
	}
	c.git("gc", "-q")
	if out := c.git("verify-pack", "-v", firstMatch(t, filepath.Join(c.dir, ".git/objects/pack/*.idx"))); !strings.Contains(out, "chain length") {
		t.Fatalf("git made no deltas to test with:\n%s", out)
	}
	c.git("push", "-q", w.url("OWNER", "web-app"), "main")
	w.sound("web-app")
	c.git("clone", "-q", w.url("OWNER", "web-app"), "copy")
	if got, want := (checkout{t, filepath.Join(c.dir, "copy")}).git("log", "-p"), c.git("log", "-p"); got != want {
		t.Error("the clone has another history")
	}
}

func firstMatch(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) == 0 {
		t.Fatalf("nothing matches %s: %v", pattern, err)
	}
	return found[0]
}

func TestLogin(t *testing.T) {
	w, c := newWorld(t), newCheckout(t)
	c.commit("a", "1")
	c.fails("Authentication failed", "push", strings.Replace(w.url("OWNER", "web-app"), "secret", "wrong", 1), "main")
	c.fails("could not read Username", "push", strings.Replace(w.url("OWNER", "web-app"), "OWNER:secret@", "", 1), "main")
	c.fails("may only read", "push", w.url("READER", "web-app"), "main")
	c.fails("there is no repository web-app", "clone", w.url("READER", "web-app"), "copy")
	c.git("push", "-q", w.url("OWNER", "web-app"), "main")
	c.git("ls-remote", w.url("READER", "web-app"))
	c.fails("there is no repository web-app", "ls-remote", w.url("OTHER", "web-app"))
	c.fails("can't be a repository's name", "push", w.url("OWNER", ".hidden"), "main")
	c.fails("can't be a repository's name", "push", w.url("OWNER", "a%2fb"), "main")
}

func TestPush_SaysWhatComesOfIt(t *testing.T) {
	uses := map[string][]gitserver.Use{
		"web-app": {{Service: "web-app", Branch: "main", Auto: true}, {Service: "web-slow", Branch: "main"},
			{Service: "web-off", Branch: "main", Auto: true, Paused: true}, {Service: "web-bad", Branch: "main", Auto: true, Failed: true},
			{Service: "web-part", Branch: "main", Auto: true, Directory: "/docs"}},
	}
	w, c := newWorld(t, func(cfg *gitserver.Config) {
		cfg.Uses = func(_ context.Context, account, repository string) ([]gitserver.Use, error) {
			return uses[repository], nil
		}
	}), newCheckout(t)
	head := c.commit("a", "1")
	says := func(want string, args ...string) {
		t.Helper()
		if out := c.git(args...); !strings.Contains(out, "remote: "+want) {
			t.Errorf("git %s printed no %q:\n%s", strings.Join(args, " "), want, out)
		}
	}
	says("Commit "+head[:7]+" goes to web-app, unless that has seen it before; follow with `apron logs web-app --deployment`", "push", w.url("OWNER", "web-app"), "main")
	says("topic is not deployed: web-app deploys main", "push", w.url("OWNER", "web-app"), "main:topic")
	c.commit("a", "2")
	says("web-slow does not deploy by itself: `apron deploy web-slow`", "push", w.url("OWNER", "web-app"), "main")
	c.commit("a", "3")
	says("web-off is paused and stays so: `apron resume web-off`", "push", w.url("OWNER", "web-app"), "main")
	c.commit("a", "4")
	says("web-bad failed, and no push deploys it; `apron show web-bad` says why", "push", w.url("OWNER", "web-app"), "main")
	part := c.commit("a", "5")
	says("Commit "+part[:7]+" goes to web-part if something below /docs is new; follow with", "push", w.url("OWNER", "web-app"), "main")
	says("web-app is deployed from main, which is gone now", "push", w.url("OWNER", "web-app"), "--delete", "main")
	says("No service uses lonely yet: create one with `apron up --name lonely`", "push", w.url("OWNER", "lonely"), "main")
}

func TestPush_OfTwoAtOnceOneWins(t *testing.T) {
	w, c := newWorld(t), newCheckout(t)
	c.commit("a", "1")
	c.git("push", "-q", w.url("OWNER", "web-app"), "main")
	c.git("clone", "-q", w.url("OWNER", "web-app"), "other")
	other := checkout{t, filepath.Join(c.dir, "other")}
	for round := range 5 {
		for _, who := range []checkout{c, other} {
			who.git("fetch", "-q", w.url("OWNER", "web-app"), "main")
			who.git("reset", "-q", "--hard", "FETCH_HEAD")
		}
		heads := []string{c.commit("mine", strings.Repeat("x", round+1)), other.commit("theirs", strings.Repeat("y", round+1))}
		done := make(chan error, 2)
		var out [2]strings.Builder
		for i, who := range []checkout{c, other} {
			cmd := who.command("push", w.url("OWNER", "web-app"), "main")
			cmd.Stderr = &out[i]
			go func() { done <- cmd.Run() }()
		}
		first, second := <-done, <-done
		if (first == nil) == (second == nil) {
			t.Fatalf("both pushes ended alike: %v, %v\n%s\n%s", first, second, &out[0], &out[1])
		}
		if got := w.head("web-app", "main"); got != heads[0] && got != heads[1] {
			t.Errorf("main is %s, neither of %v", got, heads)
		}
		if all := out[0].String() + out[1].String(); !strings.Contains(all, "rejected]") {
			t.Errorf("git does not show a rejection:\n%s", all)
		}
	}
	w.sound("web-app")
}
