package image_test

import (
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"apron/image"
)

// twentyMegabytes is a directory with a Go program of about that size: the first so much of this test's own.
func twentyMegabytes(b *testing.B) string {
	b.Helper()
	program, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "server"), program[:min(len(program), 20<<20)], 0o755); err != nil {
		b.Fatal(err)
	}
	return dir
}

// tenThousandFiles is a directory like node_modules: 75 MB of text in 1000 directories.
func tenThousandFiles(b *testing.B) string {
	b.Helper()
	r, dir := rand.New(rand.NewSource(1)), b.TempDir()
	words := strings.Fields("function return const module exports require this prototype value index length if else for null undefined")
	for n := range 10_000 {
		var text strings.Builder
		for text.Len() < 7500 {
			fmt.Fprintf(&text, "%s %d; ", words[r.Intn(len(words))], r.Intn(1000))
		}
		path := filepath.Join(dir, "app/node_modules", fmt.Sprint("package", n%1000), fmt.Sprint("file", n, ".js"))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text.String()), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	return dir
}

func benchmarkCommit(b *testing.B, make func(*testing.B) string, move bool) {
	s, a, _ := newStore(b)
	n, cpu := 0, time.Duration(0)
	for b.Loop() {
		b.StopTimer()
		tree := make(b)
		if err := os.WriteFile(filepath.Join(tree, "number"), fmt.Append(nil, n), 0o644); err != nil { // another layer each time
			b.Fatal(err)
		}
		n++
		before := cpuTime(b)
		b.StartTimer()
		d := commit(b, a, image.NewImage{Layers: []image.Tree{{Dir: tree, Move: move}}, Repo: "web", Tag: "v1"})
		b.StopTimer()
		cpu += cpuTime(b) - before
		if _, err := s.Remove(b.Context(), d); err != nil {
			b.Fatal(err)
		}
		os.RemoveAll(tree)
		b.StartTimer()
	}
	b.ReportMetric(float64(cpu.Milliseconds())/float64(n), "ms-CPU/op") // what other work on the machine does not blur
}

func cpuTime(b *testing.B) time.Duration {
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

func BenchmarkCommit20MBMoved(b *testing.B)        { benchmarkCommit(b, twentyMegabytes, true) }
func BenchmarkCommit20MBCopied(b *testing.B)       { benchmarkCommit(b, twentyMegabytes, false) }
func BenchmarkCommit10000FilesMoved(b *testing.B)  { benchmarkCommit(b, tenThousandFiles, true) }
func BenchmarkCommit10000FilesCopied(b *testing.B) { benchmarkCommit(b, tenThousandFiles, false) }
