//go:build linux && cgo

package container

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"apron/driver"
)

// BenchmarkStartToFirst200 takes from Start to the first answer 200 of a static Go server, as fleet sees it.
func BenchmarkStartToFirst200(b *testing.B) {
	h := newHost(b)
	ctx, cancel := context.WithCancel(b.Context())
	ran := make(chan error, 1)
	go func() { ran <- h.Run(ctx) }()
	defer func() { cancel(); <-ran }()
	b.ResetTimer()
	var took []time.Duration
	for b.Loop() {
		spec := h.spec()
		begin := time.Now()
		if err := h.Start(b.Context(), spec); err != nil {
			b.Fatal(err)
		}
		h.await200(spec)
		took = append(took, time.Since(begin))
		b.StopTimer()
		h.remove(spec)
		time.Sleep(2 * refillDelay)
		b.StartTimer()
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms-median")
	b.ReportMetric(float64(took[0].Microseconds())/1000, "ms-min")
}

func (h *host) await200(spec driver.Spec) {
	for {
		if resp, err := h.client(spec.ID).Get("http://instance/"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		time.Sleep(200 * time.Microsecond)
	}
}

func (h *host) remove(spec driver.Spec) {
	h.t.Helper()
	if err := h.Stop(h.t.Context(), spec.ID, 5*time.Second); err != nil {
		h.t.Fatal(err)
	}
	if err := h.Destroy(h.t.Context(), spec.ID); err != nil {
		h.t.Fatal(err)
	}
}

// BenchmarkStopDestroy takes from Stop to the end of Destroy of a program that ends at once on SIGTERM.
func BenchmarkStopDestroy(b *testing.B) {
	h := newHost(b)
	for b.Loop() {
		b.StopTimer()
		spec := h.spec()
		h.start(spec)
		b.StartTimer()
		h.remove(spec)
	}
}

func BenchmarkDial(b *testing.B) {
	h := newHost(b)
	id := h.start(h.spec())
	for b.Loop() {
		conn, err := h.Dial(b.Context(), id, 8080)
		if err != nil {
			b.Fatal(err)
		}
		conn.Close()
	}
}

// BenchmarkDialHost is what BenchmarkDial would take without a namespace to go to.
func BenchmarkDialHost(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.Close()
		}
	}()
	for b.Loop() {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		conn.Close()
	}
}

// BenchmarkBuildStartToEnd takes from Start to the end of a build that does nothing, on the host base with a layer and a cache.
func BenchmarkBuildStartToEnd(b *testing.B) {
	h := newHost(b)
	cache, sources := b.TempDir(), tree(b, map[string]string{"app/file": "content"})
	for b.Loop() {
		s := h.build("exit 0")
		s.Build.Layers, s.Build.Mounts = []string{sources}, []driver.Mount{{Source: cache, Target: "/root/.cache"}}
		if exit, log := h.run(s); exit.Code != 0 {
			b.Fatalf("%+v %s", exit, log)
		}
		b.StopTimer()
		h.destroy(s.ID)
		b.StartTimer()
	}
}

// BenchmarkUnmapOwners10000Files is what Changes takes where instances have user namespaces.
func BenchmarkUnmapOwners10000Files(b *testing.B) {
	needRoot(b)
	dir := b.TempDir()
	for n := range 10_000 {
		path := filepath.Join(dir, strconv.Itoa(n%100), strconv.Itoa(n))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			b.Fatal(err)
		}
	}
	from := 0
	for b.Loop() {
		if err := unmapOwners(b.Context(), dir, from); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		from = idBase(2)
		filepath.WalkDir(dir, func(path string, _ os.DirEntry, _ error) error { return os.Lchown(path, from, from) })
		b.StartTimer()
	}
}
