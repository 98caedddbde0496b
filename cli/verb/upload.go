package verb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"apron/cli/worktree"
)

// uploaded is what the server made of a working tree.
type uploaded struct {
	Commit, Branch, URL string
	Changed             bool
	At                  time.Time `json:"-"` // by the server's clock, when it had answered
}

// upload sends a working tree to a branch of a repository of the server's own, which need not exist. The tree goes over
// the wire while it is read.
func (s *session) upload(ctx context.Context, t *worktree.Tree, repository, branch string) (sent uploaded, err error) {
	line := s.line()
	defer line.Clear()
	files := "1 file"
	if n := len(t.Files); n != 1 {
		files = fmt.Sprintf("%d files", n)
	}
	text := fmt.Sprintf("sending %s, %s", files, byteSize(t.Bytes))
	line.Show(text)
	r, w := io.Pipe()
	req, err := s.putRequest(ctx, r, t, repository, branch)
	if err != nil {
		return sent, err
	}
	reading := readTree(ctx, t, w)
	answered := make(chan error, 1)
	go func() { answered <- s.put(req, &sent) }()
	for told := reading.told; ; {
		select {
		case done, ok := <-told:
			stand := fmt.Sprintf("%d%%", 100*done/max(t.Bytes, 1))
			if !ok {
				told, stand = nil, "the server makes a commit of it"
			}
			if line.Redraws() { // elsewhere the first line says enough
				line.Show(text + ": " + stand)
			}
		case err := <-answered:
			r.Close() // ends the reading where the server has answered early
			if failed := reading.end(); err != nil && failed != nil && !errors.Is(failed, io.ErrClosedPipe) {
				err = failed
			}
			return sent, err
		}
	}
}

// reading is a tree on its way into a pipe.
type reading struct {
	told   chan int64 // how many bytes have been read; closed at the end
	failed error      // set before that
}

func readTree(ctx context.Context, t *worktree.Tree, w *io.PipeWriter) *reading {
	r := &reading{told: make(chan int64)}
	go func() {
		defer close(r.told)
		r.failed = t.Write(ctx, w, func(done int64) {
			select {
			case r.told <- done:
			default: // the line shows the next one
			}
		})
		w.CloseWithError(r.failed)
	}()
	return r
}

// end waits for the end and returns why the tree could not be read.
func (r *reading) end() error {
	for range r.told {
	}
	return r.failed
}

func (s *session) putRequest(ctx context.Context, body io.Reader, t *worktree.Tree, repository, branch string) (*http.Request, error) {
	host, _ := os.Hostname() // only to be read by people
	message := "apron up of " + filepath.Base(t.Dir)
	if host != "" {
		message += " on " + host
	}
	to := strings.TrimSuffix(s.endpoint, "/") + gitPath + url.PathEscape(repository) + "/tree/" + (&url.URL{Path: branch}).EscapedPath() + "?message=" + url.QueryEscape(message)
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, to, body)
	if err != nil {
		return nil, err
	}
	key, err := s.credentials(ctx)
	if err != nil {
		return nil, err
	}
	req.SetBasicAuth(key.AccessKeyID, key.SecretAccessKey)
	req.Header.Set("Expect", "100-continue") // so that a refusal comes before the files have gone
	return req, nil
}

// byteSize is a size as people read it.
func byteSize(n int64) string {
	switch {
	case n >= 10<<20:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 10<<10:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d bytes", n)
}

const maxRefusal = 4 << 10

func (s *session) put(req *http.Request, into *uploaded) error {
	client := s.client.HTTP
	if client == nil {
		client = &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, ExpectContinueTimeout: time.Second, DisableKeepAlives: true}}
	}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("send the source: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, maxRefusal))
		return fmt.Errorf("the server does not take the source: %s", strings.TrimSpace(string(text)))
	}
	into.At, _ = http.ParseTime(resp.Header.Get("Date")) // without one any deployment under way counts
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		return fmt.Errorf("the server at %s answers with no JSON: %w; is it apron, of a version that builds from source?", s.endpoint, err)
	}
	return nil
}
