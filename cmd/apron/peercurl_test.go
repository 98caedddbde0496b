package main_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// curlLimit is for one run of curl.
const curlLimit = 2 * time.Minute

// curlVersions are the ways in which curl speaks HTTP, and what it says that it has spoken. "" is either version of HTTP/1: a
// server answers HTTP/1.0 with its own.
var curlVersions = []struct{ scheme, flag, spoken string }{
	{"http", "--http1.0", ""},
	{"http", "--http1.1", "1.1"},
	{"http", "--http2", "1.1"}, // it offers an upgrade, which nobody has to take
	{"http", "--http2-prior-knowledge", "2"},
	{"https", "--http1.0", ""},
	{"https", "--http1.1", "1.1"},
	{"https", "--http2", "2"},
}

// TestPeerCurl_EveryVersion is about requests as curl makes them in each version of HTTP.
func TestPeerCurl_EveryVersion(t *testing.T) {
	p := newPeer(t, "http", 1)
	for _, v := range curlVersions {
		t.Run(v.scheme+" "+v.flag, func(t *testing.T) {
			c := &curl{p, t, v.scheme, v.flag}
			c.get(v.spoken)
			c.head()
			c.upload()
			c.uploadChunked()
			c.longHeader()
			c.expect()
			c.refused()
		})
	}
}

// curl is Debian's, for one way of speaking.
type curl struct {
	*peer
	*testing.T
	scheme, flag string
}

// run runs curl for the path and returns what it printed on each of its outputs.
func (c *curl) run(path string, args ...string) (stdout, stderr string) {
	c.T.Helper()
	ctx, cancel := context.WithTimeout(c.T.Context(), curlLimit)
	defer cancel()
	args = append([]string{
		c.flag, "--silent", "--show-error", "--max-time", "100", "--resolve", c.host + ":" + c.port + ":127.0.0.1", "--cacert", c.ca,
		c.scheme + "://" + c.url + path,
	}, args...)
	cmd := exec.CommandContext(ctx, "curl", args...)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		c.T.Fatalf("curl %s: %v\n%s%s", strings.Join(args, " "), err, out, complaints.String())
	}
	return string(out), complaints.String()
}

// wants runs curl and compares what it prints.
func (c *curl) wants(want, path string, args ...string) {
	c.T.Helper()
	if got, _ := c.run(path, args...); got != want {
		c.T.Errorf("curl %s %s printed %q, want %q", strings.Join(args, " "), path, got, want)
	}
}

func (c *curl) get(spoken string) {
	out, _ := c.run("/", "--write-out", "%{response_code} %{http_version}")
	want := fmt.Sprintf("GET of 0 bytes, length 0, over %s\n200 ", c.scheme)
	version, ok := strings.CutPrefix(out, want)
	if !ok || spoken != "" && version != spoken || spoken == "" && version != "1" && version != "1.1" {
		c.T.Errorf("GET printed %q, want %q and version %q", out, want, spoken)
	}
}

func (c *curl) head() {
	c.wants("200 0", "/", "--head", "--output", os.DevNull, "--write-out", "%{response_code} %{size_download}")
}

func (c *curl) upload() {
	c.wants("POST of 5 bytes, length 5, over "+c.scheme+"\n", "/", "--data-binary", "hello")
	c.wants("PUT of 3145728 bytes, length 3145728, over "+c.scheme+"\n", "/", "--upload-file", c.file(3<<20), "--header", "Expect:")
}

// uploadChunked is a body whose length nobody knows beforehand, which HTTP/1.0 has not.
func (c *curl) uploadChunked() {
	if c.flag == "--http1.0" {
		return
	}
	c.wants("PUT of 3145728 bytes, length -1, over "+c.scheme+"\n", "/", "--upload-file", c.file(3<<20), "--header", "Transfer-Encoding: chunked", "--header", "Expect:")
}

// file is one of so many bytes.
func (c *curl) file(size int64) string {
	c.T.Helper()
	path := filepath.Join(c.T.TempDir(), "body")
	err := os.WriteFile(path, nil, 0o600)
	if err == nil {
		err = os.Truncate(path, size)
	}
	if err != nil {
		c.T.Fatal(err)
	}
	return path
}

func (c *curl) longHeader() {
	out, _ := c.run("/header", "--header", "X-Long: "+strings.Repeat("a", 48<<10), "--include")
	if !strings.HasSuffix(out, "\n49152\n") || !strings.Contains(out, strings.Repeat("a", 48<<10)) {
		c.T.Errorf("a header of 48 KiB came back as %d bytes that end in %q", len(out), out[max(0, len(out)-100):])
	}
}

// expect wants the server's leave before curl would go on without it.
func (c *curl) expect() {
	if !strings.HasPrefix(c.flag, "--http1.1") {
		return // the others know of no such thing, or curl does not ask by them
	}
	out, said := c.run("/", "--data-binary", "@"+c.file(2<<20), "--header", "Expect: 100-continue", "--expect100-timeout", "100", "--verbose")
	if want := "POST of 2097152 bytes, length 2097152, over " + c.scheme + "\n"; out != want || !strings.Contains(said, "< HTTP/1.1 100 Continue") {
		c.T.Errorf("an upload that waits for 100 Continue printed %q, want %q\n%s", out, want, said)
	}
}

// refused wants an upload that the service refuses without reading it to be spared.
func (c *curl) refused() {
	if !strings.HasPrefix(c.flag, "--http1.1") {
		return
	}
	c.wants("403 0", "/refuse", "--data-binary", "@"+c.file(2<<20), "--header", "Expect: 100-continue", "--expect100-timeout", "100",
		"--output", os.DevNull, "--write-out", "%{response_code} %{size_upload}")
}

// streamed is how much goes through at once, in MiB, and held how much of it the server may come to hold.
const streamed, held = 100, 24

// TestPeerCurl_StreamsBothWays sends more than the server may keep: its memory stays where it was.
func TestPeerCurl_StreamsBothWays(t *testing.T) {
	p := newPeer(t, "http", 1)
	size := fmt.Sprint(streamed << 20)
	for _, v := range curlVersions {
		if v.spoken == "" || v.flag == "--http2" && v.scheme == "http" {
			continue // spoken by the others, too
		}
		t.Run(v.scheme+" "+v.flag, func(t *testing.T) {
			c := &curl{p, t, v.scheme, v.flag}
			file := c.file(streamed << 20)
			c.flat("up", func() {
				c.wants("PUT of "+size+" bytes, length "+size+", over "+c.scheme+"\n", "/", "--upload-file", file)
			})
			c.flat("down", func() {
				c.wants(size, fmt.Sprintf("/download?mb=%d", streamed), "--output", os.DevNull, "--write-out", "%{size_download}")
			})
		})
	}
}

// flat wants f to leave the server's memory, looked at all the while, where it was.
func (c *curl) flat(name string, f func()) {
	c.T.Helper()
	before, err := c.platform.RSS()
	if err != nil {
		c.T.Fatal(err)
	}
	done, most := make(chan struct{}), make(chan int64, 1)
	go func() {
		peak := before
		for ticks := time.Tick(5 * time.Millisecond); ; {
			if now, err := c.platform.RSS(); err == nil {
				peak = max(peak, now)
			}
			select {
			case <-done:
				most <- peak
				return
			case <-ticks:
			}
		}
	}()
	func() {
		defer close(done) // f may end the test
		f()
	}()
	if grown := (<-most - before) >> 20; grown > held {
		c.T.Errorf("%d MiB %s made the server's memory grow by %d MiB, from %d", streamed, name, grown, before>>20)
	}
}
