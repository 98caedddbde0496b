package aprontest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Repository is a git repository with a working tree and a bare one that it is pushed to, made by the program git.
type Repository struct {
	Dir  string // of the working tree
	Bare string // what services are built from; its branch is main
}

// NewRepository makes both in dir, empty. Git looks at no configuration but what it is given here.
func NewRepository(ctx context.Context, dir string) (*Repository, error) {
	r := &Repository{Dir: filepath.Join(dir, "work"), Bare: filepath.Join(dir, "web.git")}
	if err := os.MkdirAll(r.Dir, 0o755); err != nil {
		return nil, err
	}
	if _, err := r.Git(ctx, "init", "--quiet", "--bare", "--initial-branch=main", r.Bare); err != nil {
		return nil, err
	}
	_, err := r.Git(ctx, "init", "--quiet", "--initial-branch=main")
	return r, err
}

// URL is the bare repository's.
func (r *Repository) URL() string { return "file://" + r.Bare }

// Push commits files, by their paths, and pushes main. An empty text removes its file. It returns the commit's id.
func (r *Repository) Push(ctx context.Context, subject string, files map[string]string) (commit string, err error) {
	for name, text := range files {
		path := filepath.Join(r.Dir, name)
		if text == "" {
			err = os.Remove(path)
		} else if err = os.MkdirAll(filepath.Dir(path), 0o755); err == nil {
			err = os.WriteFile(path, []byte(text), 0o644)
		}
		if err != nil {
			return "", err
		}
	}
	return r.PushAll(ctx, subject)
}

// PushAll commits all that lies in the working tree, and pushes main.
func (r *Repository) PushAll(ctx context.Context, subject string) (commit string, err error) {
	for _, args := range [][]string{
		{"add", "--all"},
		{"commit", "--quiet", "--allow-empty", "--message", subject},
		{"push", "--quiet", "--force", r.Bare, "main"},
	} {
		if _, err := r.Git(ctx, args...); err != nil {
			return "", err
		}
	}
	return r.Git(ctx, "rev-parse", "HEAD")
}

// Git runs git in the working tree and returns what it printed.
func (r *Repository) Git(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = r.Dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
		"GIT_AUTHOR_NAME=Test", "GIT_AUTHOR_EMAIL=test@example.com", "GIT_COMMITTER_NAME=Test", "GIT_COMMITTER_EMAIL=test@example.com")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return strings.TrimSpace(string(out)), nil
}
