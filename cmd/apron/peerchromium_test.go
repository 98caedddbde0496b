package main_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

// chromiumLimit is for a browser from its start to a page that is whole.
const chromiumLimit = time.Minute

// TestPeerChromium_ShowsAPageWithEventsAndASocket has Debian's Chromium load a page of the service, which opens an EventSource
// and a WebSocket and writes what it got from them. The browser trusts the platform as a user's does, by its NSS database.
func TestPeerChromium_ShowsAPageWithEventsAndASocket(t *testing.T) {
	p := newPeer(t, "http", 1)
	p.eachScheme(func(t *testing.T, scheme string) {
		page := p.browse(t, scheme+"://"+p.url+"/page")
		for id, want := range map[string]string{
			"events": "event 1, event 2, event 3",
			"socket": "hello, \U0001F980, closed with 4001 enough",
			"over":   map[string]string{"http": "http: http/1.1", "https": "https: h2"}[scheme],
		} {
			if got := regexp.MustCompile(`<p id="` + id + `">([^<]*)</p>`).FindStringSubmatch(page); got == nil || got[1] != want {
				t.Errorf("%s = %q, want %q in\n%s", id, got, want, page)
			}
		}
	})
}

// browse is the page as it is when all of it has been loaded.
func (p *peer) browse(t *testing.T, url string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), chromiumLimit)
	defer cancel()
	home := t.TempDir()
	store := filepath.Join(home, ".pki", "nssdb")
	if err := os.MkdirAll(store, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"certutil", "-d", "sql:" + store, "-N", "--empty-password"},
		{"certutil", "-d", "sql:" + store, "-A", "-n", "apron", "-t", "C,,", "-i", p.ca},
	} {
		if out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	cmd := exec.CommandContext(ctx, "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--user-data-dir="+filepath.Join(home, "profile"), "--dump-dom", url)
	cmd.Env = append(os.Environ(), "HOME="+home)
	cmd.WaitDelay = 5 * time.Second // its children may hold on to its outputs
	complaints, err := os.Create(filepath.Join(home, "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer complaints.Close()
	cmd.Stderr = complaints
	out, err := cmd.Output()
	if err != nil {
		text, _ := os.ReadFile(complaints.Name())
		t.Fatalf("chromium: %v\n%s\n%s\nserver's log:\n%s", err, out, text, p.platform.Log())
	}
	return string(out)
}
