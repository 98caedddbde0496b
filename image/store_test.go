package image_test

import (
	"io"
	"log"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"apron/image"

	"github.com/google/go-containerregistry/pkg/registry"
)

// open opens a store as the tests want it: quick to give up, and with nothing spared by its age.
func open(t testing.TB, dir string, change func(*image.Config)) *image.Store {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: layers hold files of many owners and overlay whiteouts")
	}
	cfg := image.Config{
		Log:          slog.New(slog.NewTextHandler(t.Output(), nil)),
		Backoff:      5 * time.Millisecond,
		CollectGrace: time.Nanosecond,
	}
	if change != nil {
		change(&cfg)
	}
	s, err := image.Open(dir, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// remoteRegistry is a registry of the field's own, as somebody else's server.
func remoteRegistry(t testing.TB) (host string) {
	t.Helper()
	srv := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(true)))
	t.Cleanup(srv.Close)
	return strings.TrimPrefix(srv.URL, "http://")
}

// embedded serves a store's own registry.
func embedded(t testing.TB, s *image.Store) (host string) {
	t.Helper()
	srv := httptest.NewServer(s.Registry())
	t.Cleanup(srv.Close)
	return strings.TrimPrefix(srv.URL, "http://")
}

// files lists the store's regular files and directories of the given part, relative to it.
func files(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func readFile(t testing.TB, parts ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
