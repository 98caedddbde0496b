package main_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
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
	cmd := exec.CommandContext(ctx, "nsenter", "--net="+p.stillNetwork(t), "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
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

// stillNetwork is a network with nothing in it but the services' port, as the path of its namespace. Chromium gives its HTTP/2
// connections up whenever an interface of its machine gets or loses an address, which other tests' instances do all the time.
func (p *peer) stillNetwork(t *testing.T) string {
	t.Helper()
	var file *os.File
	var listener net.Listener
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread, which is elsewhere now, ends with the goroutine
		if err = unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return
		}
		if err = netlink.LinkSetUp(&netlink.Device{LinkAttrs: netlink.LinkAttrs{Index: 1}}); err != nil { // lo
			return
		}
		if file, err = os.Open(fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid())); err == nil {
			listener, err = net.Listen("tcp", p.edge())
		}
	}()
	if <-done; err != nil {
		t.Fatalf("make a network: %v", err)
	}
	t.Cleanup(func() { listener.Close(); file.Close() })
	go p.forward(listener)
	return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), file.Fd())
}

// forward passes on what comes there to the services' port, until the listener is closed.
func (p *peer) forward(l net.Listener) {
	for {
		client, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer client.Close()
			edge, err := net.Dial("tcp", p.edge())
			if err != nil {
				return
			}
			defer edge.Close()
			go func() {
				io.Copy(edge, client)
				edge.(*net.TCPConn).CloseWrite()
			}()
			io.Copy(client, edge)
		}()
	}
}
