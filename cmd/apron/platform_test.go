package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"apron/driver/container"
)

func TestCheckHost_LogsOnceWhatInstancesGoWithout(t *testing.T) {
	cfg := defaults()
	cfg.Data = t.TempDir()
	limits := map[string]bool{}
	for _, r := range container.Requirements(cfg.Data) {
		if r.Mandatory && !r.OK {
			t.Skipf("this machine can't run instances: %s: %s", r.Name, r.Detail)
		}
		if !r.OK {
			limits[r.Name] = true
		}
	}
	var out bytes.Buffer
	h := &host{cfg: cfg, log: slog.New(slog.NewTextHandler(&out, nil))}
	if err := h.checkHost(); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(limits) == 0 {
		t.Skip("this machine limits nothing")
	}
	if len(lines) != len(limits) {
		t.Errorf("%d lines for %d limits:\n%s", len(lines), len(limits), out.String())
	}
	for name := range limits {
		if !strings.Contains(out.String(), "level=WARN") || !strings.Contains(out.String(), name) {
			t.Errorf("no warning of %q in\n%s", name, out.String())
		}
	}
}
