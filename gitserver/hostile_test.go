package gitserver_test

import (
	"bytes"
	"compress/zlib"
	"crypto/sha1"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// The kinds of a pack's entries.
const (
	commitKind   = 1
	treeKind     = 2
	blobKind     = 3
	ofsDeltaKind = 6
	refDeltaKind = 7
)

// packed is a pack in the making, of whatever entries.
type packed struct {
	bytes.Buffer
	count  uint32
	offset []int
}

func newPacked() *packed {
	p := &packed{}
	p.WriteString("PACK\x00\x00\x00\x02\x00\x00\x00\x00")
	return p
}

func deflate(content []byte) []byte {
	var b bytes.Buffer
	zw := zlib.NewWriter(&b)
	zw.Write(content)
	zw.Close()
	return b.Bytes()
}

// entry adds one with any size in its head, and returns its number.
func (p *packed) entry(kind byte, size int, base, content []byte) int {
	p.offset = append(p.offset, p.Len())
	p.count++
	b, rest := kind<<4|byte(size&15), size>>4
	for ; rest > 0; b, rest = byte(rest&0x7f), rest>>7 {
		p.WriteByte(b | 0x80)
	}
	p.WriteByte(b)
	p.Write(base)
	p.Write(content)
	return len(p.offset) - 1
}

func (p *packed) object(kind byte, content []byte) string {
	p.entry(kind, len(content), nil, deflate(content))
	h := sha1.New()
	fmt.Fprintf(h, "%s %d\x00", map[byte]string{commitKind: "commit", treeKind: "tree", blobKind: "blob"}[kind], len(content))
	h.Write(content)
	return hex.EncodeToString(h.Sum(nil))
}

// delta adds a delta of an entry that makes what copies of its base give.
func (p *packed) delta(base, from, to, copies int) int {
	instructions := append(varint(from), varint(to)...)
	for range copies {
		instructions = append(instructions, 0xf0, byte(from), byte(from>>8), byte(from>>16)) // copy all of the base
	}
	back := p.Len() - p.offset[base]
	return p.entry(ofsDeltaKind, len(instructions), offset(back), deflate(instructions))
}

func varint(n int) (b []byte) {
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}

func offset(n int) []byte {
	b := []byte{byte(n & 0x7f)}
	for n >>= 7; n > 0; n >>= 7 {
		n--
		b = append([]byte{0x80 | byte(n&0x7f)}, b...)
	}
	return b
}

func (p *packed) done() []byte {
	binary.BigEndian.PutUint32(p.Bytes()[8:], p.count)
	sum := sha1.Sum(p.Bytes())
	return append(p.Bytes(), sum[:]...)
}

func tree(mode, name, id string) []byte {
	raw, _ := hex.DecodeString(id)
	return append([]byte(mode+" "+name+"\x00"), raw...)
}

func commit(tree string, parents ...string) []byte {
	var text strings.Builder
	text.WriteString("tree " + tree + "\n")
	for _, parent := range parents {
		text.WriteString("parent " + parent + "\n")
	}
	return []byte(text.String() + "author A <a@example.com> 0 +0000\ncommitter A <a@example.com> 0 +0000\n\nx\n")
}

const zero = "0000000000000000000000000000000000000000"

// send pushes a pack as git would, with more lines beside the reference's, and returns all that the server says.
func (w *world) send(ref, old, new string, pack []byte, more ...string) string {
	w.Helper()
	line := fmt.Sprintf("%s %s %s\x00report-status side-band-64k", old, new, ref)
	body := fmt.Sprintf("%04x%s%s0000", len(line)+4, line, strings.Join(more, "")) + string(pack)
	req, err := http.NewRequest("POST", w.http.URL+"/git/web-app/git-receive-pack", strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	req.SetBasicAuth("OWNER", "secret")
	req.Header.Set("Content-Type", "application/x-git-receive-pack-request")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Fatal(err)
	}
	return string(answer)
}

func TestPush_TakesAHandMadePack(t *testing.T) {
	w, p := newWorld(t), newPacked()
	blob := p.object(blobKind, []byte("hello"))
	root := p.object(treeKind, tree("100644", "a", blob))
	head := p.object(commitKind, commit(root))
	if got := w.send("refs/heads/main", zero, head, p.done()); !strings.Contains(got, "ok refs/heads/main") {
		t.Fatalf("the server says %q", got)
	}
	w.sound("web-app")
}

func TestPush_HostilePacksAreRefused(t *testing.T) {
	const nowhere = "1234567890123456789012345678901234567890"
	for _, c := range []struct {
		name, want string
		pack       func(p *packed) (tip string)
	}{
		{"a blob that says a terabyte", "more than the 8 MiB", func(p *packed) string {
			p.entry(blobKind, 1<<40, nil, deflate(make([]byte, 1<<20)))
			return nowhere
		}},
		{"a blob of another size than it says", "another size than it says", func(p *packed) string {
			p.entry(blobKind, 10, nil, deflate(make([]byte, 1<<20)))
			return nowhere
		}},
		{"a delta that says a terabyte", "more than the 2 MiB", func(p *packed) string {
			p.object(blobKind, make([]byte, 1<<16))
			p.delta(0, 1<<16, 1<<40, 1)
			return nowhere
		}},
		{"a size without end", "a size without end", func(p *packed) string {
			p.count++
			p.Write(bytes.Repeat([]byte{0xbf}, 20))
			return nowhere
		}},
		{"a delta with a size without end", "a size without end", func(p *packed) string {
			p.object(blobKind, []byte("x"))
			back := p.Len() - p.offset[0]
			p.entry(ofsDeltaKind, 20, offset(back), deflate(bytes.Repeat([]byte{0xff}, 20)))
			return nowhere
		}},
		{"a delta of no bytes", "does not fit its base", func(p *packed) string {
			p.object(blobKind, []byte("x"))
			p.entry(ofsDeltaKind, 0, offset(p.Len()-p.offset[0]), deflate(nil))
			return nowhere
		}},
		{"a delta that makes less than it says", "does not fit its base", func(p *packed) string {
			p.object(blobKind, make([]byte, 1<<16))
			p.delta(0, 1<<16, 3<<16, 2)
			return nowhere
		}},
		{"deltas that grow on each other", "of memory to resolve", func(p *packed) string {
			size, at := 1<<20, 0
			p.object(blobKind, make([]byte, size))
			for range 5 {
				next := p.delta(at, size, size, 1) // each with a second delta, so that its content has to stay
				p.delta(at, size, size, 1)
				at = next
			}
			p.delta(at, size, size, 1)
			return nowhere
		}},
		{"a chain longer than git makes", "one on another", func(p *packed) string {
			p.object(blobKind, []byte("0123456789abcdef"))
			for n := range 60 {
				p.delta(n, 16, 16, 1)
			}
			return nowhere
		}},
		{"a delta of itself", "a delta of nothing", func(p *packed) string {
			p.entry(ofsDeltaKind, 3, []byte{0}, deflate([]byte{1, 1, 1}))
			return nowhere
		}},
		{"a delta of what is elsewhere", "not in it", func(p *packed) string {
			base, _ := hex.DecodeString(nowhere)
			p.entry(refDeltaKind, 4, base, deflate([]byte{1, 1, 1, 'x'}))
			return nowhere
		}},
		{"no zlib", "is broken", func(p *packed) string {
			p.entry(blobKind, 3, nil, []byte("no zlib at all"))
			return nowhere
		}},
		{"an object of no kind", "of kind 5", func(p *packed) string {
			p.entry(5, 3, nil, deflate([]byte("abc")))
			return nowhere
		}},
		{"a commit that is not sent", "needs commit 1234567", func(p *packed) string {
			p.object(blobKind, []byte("x"))
			return nowhere
		}},
		{"a commit without its tree", "needs object 1234567", func(p *packed) string {
			return p.object(commitKind, commit(nowhere))
		}},
		{"a tree without its file", "needs object 1234567", func(p *packed) string {
			return p.object(commitKind, commit(p.object(treeKind, tree("100644", "a", nowhere))))
		}},
		{"a commit without its parent", "needs commit 1234567", func(p *packed) string {
			root := p.object(treeKind, tree("100644", "a", p.object(blobKind, []byte("x"))))
			return p.object(commitKind, commit(root, nowhere))
		}},
		{"a commit without its tree beside a good one", "needs object 1234567", func(p *packed) string {
			p.object(commitKind, commit(nowhere))
			return p.object(commitKind, commit(p.object(treeKind, nil)))
		}},
		{"a file named .git beside a good commit", "git keeps for itself", func(p *packed) string {
			p.object(treeKind, tree("100644", ".git", p.object(blobKind, []byte("x"))))
			return p.object(commitKind, commit(p.object(treeKind, nil)))
		}},
		{"a branch at a file", "names the blob", func(p *packed) string { return p.object(blobKind, []byte("x")) }},
		{"a tree that is a file", "as a tree", func(p *packed) string {
			return p.object(commitKind, commit(p.object(blobKind, []byte("x"))))
		}},
		{"a directory that is a file, too", "as a tree", func(p *packed) string {
			file := p.object(blobKind, []byte("x"))
			return p.object(commitKind, commit(p.object(treeKind, append(tree("40000", "a", file), tree("100644", "b", file)...))))
		}},
		{"a file named .git", "git keeps for itself", func(p *packed) string {
			return p.object(commitKind, commit(p.object(treeKind, tree("40000", ".GIT", p.object(treeKind, nil)))))
		}},
		{"a file named ..", "is no name", func(p *packed) string {
			return p.object(commitKind, commit(p.object(treeKind, tree("100644", "..", p.object(blobKind, []byte("x"))))))
		}},
		{"a file with a path for a name", "holds a character", func(p *packed) string {
			return p.object(commitKind, commit(p.object(treeKind, tree("100644", "../../etc/passwd", p.object(blobKind, []byte("x"))))))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, p := newWorld(t), newPacked()
			w.SmallPacks()
			tip := c.pack(p)
			pack := p.done()
			peak := watchMemory(t)
			got := w.send("refs/heads/main", zero, tip, pack)
			if !strings.Contains(got, c.want) || strings.Contains(got, "ok refs/heads/main") {
				t.Errorf("the server says %q, want %q", got, c.want)
			}
			if n := peak(); n > 100<<20 {
				t.Errorf("a pack of %d bytes took %d MiB of memory", len(pack), n>>20)
			}
			if head := w.head("web-app", "main"); head != "" {
				t.Errorf("main is %s after it", head)
			}
			w.sound("web-app")
			if left, _ := filepath.Glob(filepath.Join(w.dir, owner, "web-app.git/objects/pack/*")); len(left) > 0 {
				t.Errorf("what was refused is in the repository: %v", left)
			}
		})
	}
}

// watchMemory looks at the heap until the function that it returns is called, which tells the most that was seen.
func watchMemory(t *testing.T) (peak func() uint64) {
	runtime.GC()
	stop, result := make(chan bool), make(chan uint64)
	go func() {
		var most uint64
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
			select {
			case <-stop:
				result <- most
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	return func() uint64 { close(stop); return <-result }
}

func TestPush_BrokenChecksumIsRefused(t *testing.T) {
	w, p := newWorld(t), newPacked()
	head := p.object(commitKind, commit(p.object(treeKind, nil)))
	pack := p.done()
	pack[len(pack)-1] ^= 1
	if got := w.send("refs/heads/main", zero, head, pack); !strings.Contains(got, "its checksum is another") {
		t.Errorf("the server says %q", got)
	}
}

// TestPush_EachReferenceIsLookedAt, also one to what another reference of the push has led to.
func TestPush_EachReferenceIsLookedAt(t *testing.T) {
	w, c := newWorld(t), newCheckout(t)
	c.commit("a", "1")
	blob := c.git("rev-parse", "HEAD:a")
	c.fails("names the blob", "push", w.url("OWNER", "web-app"), "main", blob+":refs/tags/file", blob+":refs/heads/file")
	c.git("push", "-q", w.url("OWNER", "web-app"), "main", blob+":refs/tags/file")
	c.fails("can point to a commit only", "push", w.url("OWNER", "web-app"), blob+":refs/heads/file")
	w.sound("web-app")
}

func TestPush_OfTooManyReferencesIsRefused(t *testing.T) {
	w := newWorld(t)
	var lines strings.Builder
	for n := range 100_000 {
		line := fmt.Sprintf("%s %s refs/heads/%d", zero, zero[:39]+"1", n)
		fmt.Fprintf(&lines, "%04x%s", len(line)+4, line)
	}
	if got := w.send("refs/heads/main", zero, zero[:39]+"1", nil, lines.String()); !strings.Contains(got, "too many references at once") {
		t.Errorf("the server says %.200q", got)
	}
}

func TestPush_OutsideOfRefsIsRefused(t *testing.T) {
	w := newWorld(t)
	for _, ref := range []string{"HEAD", "config", "refs/heads/../../config", "refs/heads/a b", "packed-refs"} {
		p := newPacked()
		head := p.object(commitKind, commit(p.object(treeKind, nil)))
		if got := w.send(ref, zero, head, p.done()); strings.Contains(got, "ok "+ref) {
			t.Errorf("a push to %q is taken: %q", ref, got)
		}
	}
	text, err := os.ReadFile(filepath.Join(w.dir, owner, "web-app.git/config"))
	if err != nil || !strings.Contains(string(text), "bare = true") {
		t.Errorf("the configuration is %q, %v", text, err)
	}
}

func TestPush_ThatIsCutOffLeavesNothing(t *testing.T) {
	w, c := newWorld(t), newCheckout(t)
	c.commit("a", "1")
	c.git("push", "-q", w.url("OWNER", "web-app"), "main")
	before := w.head("web-app", "main")
	r, body := io.Pipe()
	req, err := http.NewRequestWithContext(t.Context(), "POST", w.http.URL+"/git/web-app/git-receive-pack", r)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("OWNER", "secret")
	req.Header.Set("Content-Type", "application/x-git-receive-pack-request")
	go func() {
		line := fmt.Sprintf("%s %s refs/heads/main\x00report-status", before, zero[:39]+"1")
		fmt.Fprintf(body, "%04x%s0000PACK\x00\x00\x00\x02\x00\x00\x00\x05", len(line)+4, line)
		for !w.incoming() {
			time.Sleep(time.Millisecond)
		}
		body.CloseWithError(io.ErrClosedPipe) // the transport breaks the connection off
	}()
	if resp, err := http.DefaultClient.Do(req); err == nil {
		resp.Body.Close()
		t.Fatal("a push that broke off was answered")
	}
	for deadline := time.Now().Add(time.Minute); w.incoming() && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	w.sound("web-app")
	if got := w.head("web-app", "main"); got != before {
		t.Errorf("main is %s, want %s as before", got, before)
	}
}

func (w *world) incoming() bool {
	found, _ := filepath.Glob(filepath.Join(w.dir, "*", "*.git", "incoming-*"))
	return len(found) > 0
}

func TestNew_TakesAwayWhatACrashLeft(t *testing.T) {
	w, c := newWorld(t), newCheckout(t)
	c.commit("a", "1")
	c.git("push", "-q", w.url("OWNER", "web-app"), "main")
	for _, dir := range []string{owner + "/web-app.git/incoming-1/objects/pack", another + "/.new-1/refs"} {
		if err := os.MkdirAll(filepath.Join(w.dir, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	w.open()
	w.sound("web-app")
	if left, _ := filepath.Glob(filepath.Join(w.dir, "*", ".new-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	c.commit("a", "2")
	c.git("push", "-q", w.url("OWNER", "web-app"), "main")
}
