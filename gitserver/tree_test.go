package gitserver_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"apron/gitserver"
)

// entry is a tar's; a file, unless it says otherwise.
type entry struct {
	name, text, link string
	mode             int64
	kind             byte
}

func tarOf(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	out := tar.NewWriter(&b)
	for _, e := range entries {
		head := &tar.Header{Name: e.name, Size: int64(len(e.text)), Mode: max(e.mode, 0o644), Typeflag: e.kind, Linkname: e.link}
		if e.kind == 0 {
			head.Typeflag = tar.TypeReg
		}
		if err := out.WriteHeader(head); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(out, e.text); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// deepTar has that many files, each that deep in directories of its own.
func deepTar(t testing.TB, files, deep int) []byte {
	var entries []entry
	for n := range files {
		entries = append(entries, entry{name: strconv.Itoa(n) + strings.Repeat("/d", deep)})
	}
	return tarOf(t, entries...)
}

// put sends a tar and returns status and body of the answer.
func (w *world) put(user, repository, branch string, body []byte) (int, string) {
	w.Helper()
	req, err := http.NewRequest("PUT", w.http.URL+"/git/"+repository+"/tree/"+branch+"?message="+url.QueryEscape("from ä tar"), bytes.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	req.SetBasicAuth(user, "secret")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func (w *world) upload(repository, branch string, body []byte) (answer gitserver.Uploaded) {
	w.Helper()
	code, text := w.put("OWNER", repository, branch, body)
	if err := json.Unmarshal([]byte(text), &answer); code != http.StatusOK || err != nil {
		w.Fatalf("PUT answers %d %s", code, text)
	}
	return answer
}

func TestPutTree_BecomesACommit(t *testing.T) {
	w := newWorld(t)
	files := []entry{
		{name: "./", kind: tar.TypeDir}, {name: "app.py", text: "print(1)\n"}, {name: "run.sh", text: "#!/bin/sh\n", mode: 0o755},
		{name: "lib/deep/x.py", text: "x = 1\n"}, {name: "lib.py", text: "y = 1\n"}, {name: "lib-old/z", text: ""},
		{name: "empty/", kind: tar.TypeDir}, {name: "lib/link", kind: tar.TypeSymlink, link: "../app.py"},
		{name: "big", text: strings.Repeat("0123456789abcdef", 1<<17)}, {name: "big2", text: strings.Repeat("0123456789abcdef", 1<<17)},
	}
	first := w.upload("web-app", "main", tarOf(t, files...))
	if !first.Changed || first.Commit != w.head("web-app", "main") || first.Branch != "main" {
		t.Errorf("the answer is %+v, main is %s", first, w.head("web-app", "main"))
	}
	w.sound("web-app")
	c := newCheckout(t)
	c.git("clone", "-q", w.url("OWNER", "web-app"), "copy")
	copied := checkout{t, filepath.Join(c.dir, "copy")}
	if got, want := copied.git("log", "--format=%an <%ae> %s %P"), owner+" <"+owner+"@apron> from ä tar"; got != want {
		t.Errorf("the commit is %q, want %q", got, want)
	}
	if got, want := copied.git("ls-tree", "-r", "--format=%(objectmode) %(path)", "HEAD"), `100644 app.py
100644 big
100644 big2
100644 lib-old/z
100644 lib.py
100644 lib/deep/x.py
120000 lib/link
100755 run.sh`; got != want {
		t.Errorf("the tree is\n%s\nwant\n%s", got, want)
	}
	if text, err := os.ReadFile(filepath.Join(copied.dir, "big2")); err != nil || len(text) != 1<<21 {
		t.Errorf("big2 has %d bytes, %v", len(text), err)
	}
	if len(w.pushed) > 0 {
		t.Errorf("an upload counts as a push: %v", w.pushed)
	}
}

func TestPutTree_AddsToTheBranchOnlyWhatIsNew(t *testing.T) {
	w, c := newWorld(t), newCheckout(t)
	pushed := c.commit("app.py", "print(1)\n")
	c.git("push", "-q", w.url("OWNER", "web-app"), "main")
	if same := w.upload("web-app", "main", tarOf(t, entry{name: "app.py", text: "print(1)\n"})); same.Changed || same.Commit != pushed {
		t.Errorf("the same tree answers %+v, want commit %s unchanged", same, pushed)
	}
	next := w.upload("web-app", "main", tarOf(t, entry{name: "app.py", text: "print(2)\n"}))
	c.git("fetch", "-q", w.url("OWNER", "web-app"), "main")
	if got := c.git("rev-parse", "FETCH_HEAD^"); !next.Changed || got != pushed {
		t.Errorf("%+v has the parent %s, want %s", next, got, pushed)
	}
	w.sound("web-app")
}

func TestPutTree_ReadsGzipAndZstd(t *testing.T) {
	w := newWorld(t)
	plain := tarOf(t, entry{name: "a", text: "1"})
	var gz, zst bytes.Buffer
	zw := gzip.NewWriter(&gz)
	zw.Write(plain)
	zw.Close()
	sw, err := zstd.NewWriter(&zst)
	if err != nil {
		t.Fatal(err)
	}
	sw.Write(plain)
	sw.Close()
	want := w.upload("plain", "main", plain).Tree
	for name, body := range map[string][]byte{"gzip": gz.Bytes(), "zstd": zst.Bytes()} {
		if got := w.upload(name, "main", body).Tree; got != want {
			t.Errorf("%s becomes tree %s, want %s", name, got, want)
		}
	}
}

func TestPutTree_Refusals(t *testing.T) {
	w := newWorld(t, func(cfg *gitserver.Config) { cfg.MaxBytes = 1 << 20 })
	good := tarOf(t, entry{name: "a", text: "1"})
	for _, c := range []struct {
		name, user, branch, want string
		code                     int
		body                     []byte
	}{
		{"read-only key", "READER", "main", "may only read", 403, good},
		{"no branch", "OWNER", "a..b", "can't be a branch's name", 400, good},
		{"nothing", "OWNER", "main", "no tar", 400, nil},
		{"no tar", "OWNER", "main", "broken", 400, bytes.Repeat([]byte("x"), 1024)},
		{"half a tar", "OWNER", "main", "ends early", 400, tarOf(t, entry{name: "a", text: strings.Repeat("x", 4096)})[:2048]},
		{"up", "OWNER", "main", `".." is no name`, 400, tarOf(t, entry{name: "../a", text: "1"})},
		{"absolute", "OWNER", "main", "is no name", 400, tarOf(t, entry{name: "/etc/passwd", text: "1"})},
		{"git's own", "OWNER", "main", "git keeps for itself", 400, tarOf(t, entry{name: "x/.git/hooks/pre-push", text: "1"})},
		{"a link out", "OWNER", "main", "outside of the working tree", 400, tarOf(t, entry{name: "x/y", kind: tar.TypeSymlink, link: "../../etc/shadow"})},
		{"an absolute link", "OWNER", "main", "outside of the working tree", 400, tarOf(t, entry{name: "x", kind: tar.TypeSymlink, link: "/etc/shadow"})},
		{"through a file", "OWNER", "main", "both a file and a directory", 400, tarOf(t, entry{name: "x", text: "1"}, entry{name: "x/y", text: "1"})},
		{"through a link", "OWNER", "main", "both a file and a directory", 400, tarOf(t, entry{name: "x", kind: tar.TypeSymlink, link: "."}, entry{name: "x/y", text: "1"})},
		{"twice", "OWNER", "main", "twice", 400, tarOf(t, entry{name: "x", text: "1"}, entry{name: "./x", text: "2"})},
		{"a control character", "OWNER", "main", "rename it, or have git ignore it", 400, tarOf(t, entry{name: "x\ny", text: "1"})},
		{"a device", "OWNER", "main", "neither a file", 400, tarOf(t, entry{name: "x", kind: tar.TypeChar})},
		{"a hard link", "OWNER", "main", "neither a file", 400, tarOf(t, entry{name: "x", kind: tar.TypeLink, link: "a"})},
		{"too many directories", "OWNER", "main", "more than 200000 files and directories", 400, deepTar(t, 101, 2000)},
		{"too much", "OWNER", "main", "more than 1 MiB", 400, tarOf(t, entry{name: "x", text: strings.Repeat("x", 2<<20)})},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, text := w.put(c.user, "web-app", c.branch, c.body)
			if code != c.code || !strings.Contains(text, c.want) {
				t.Errorf("PUT answers %d %q, want %d %q", code, text, c.code, c.want)
			}
		})
	}
	if head := w.head("web-app", "main"); head != "" {
		t.Errorf("main is %s after refusals alone", head)
	}
	if w.incoming() {
		t.Error("refusals left something behind")
	}
}
