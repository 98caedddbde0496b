package source

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// benchRepo is of the size of a small service: 60 files, 300 KB.
func benchRepo(b *testing.B) (repo, *gitServer) {
	b.Helper()
	dir := b.TempDir()
	r := newRepo(b, dir, "web")
	var files []string
	for i := range 60 {
		files = append(files, fmt.Sprintf("d%d/f%d.go", i%8, i), strings.Repeat(fmt.Sprintln("line", i), 600))
	}
	r.commit("first", files...)
	return r, serveGit(b, dir, false)
}

func BenchmarkFetch(b *testing.B) {
	r, s := benchRepo(b)
	for way, url := range map[string]string{"http": s.URL + "/web/.git", "file": "file://" + r.dir} {
		remote := Remote{URL: url, Branch: "main"}
		f := newFetcher(b, Config{FileRoots: []string{"/"}})
		forget := func(b *testing.B, what string) {
			b.Helper()
			b.StopTimer()
			if err := os.RemoveAll(filepath.Join(f.cfg.Dir, what, "service")); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
		}
		b.Run(way+"/cold", func(b *testing.B) {
			for b.Loop() {
				forget(b, "mirrors")
				forget(b, "checkouts")
				fetch(b, f, remote)
			}
		})
		n := 0
		b.Run(way+"/warm", func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				n++
				r.commit("more", "a", fmt.Sprint(way, n))
				b.StartTimer()
				fetch(b, f, remote)
			}
		})
		b.Run(way+"/unchanged", func(b *testing.B) {
			for b.Loop() {
				fetch(b, f, remote)
			}
		})
		b.Run(way+"/head", func(b *testing.B) {
			for b.Loop() {
				if _, err := f.Head(b.Context(), remote); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
