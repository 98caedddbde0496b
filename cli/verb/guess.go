package verb

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	"apron/cli/worktree"
)

// guess proposes how a working tree is built and started, and says by which of its files. It runs nothing: a wrong guess
// costs the reader a look.
func guess(t *worktree.Tree) (r recipe, from string) {
	switch {
	case t.Has("go.mod"):
		r, from = recipe{"go1", "go build -o server .", "./server"}, "go.mod"
	case t.Has("package.json"):
		r, from = guessNode(t), "package.json"
	case t.Has("requirements.txt"):
		const venv = "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt" // in the directory: nothing else stays
		r, from = recipe{"python311", venv, ".venv/bin/python " + mainOf(t)}, "requirements.txt"
	case t.Has("app.py") || t.Has("main.py") || t.Has("manage.py"):
		r, from = recipe{"python311", "", "python3 " + mainOf(t)}, strings.Fields(mainOf(t))[0]
	default:
		return recipe{}, ""
	}
	if web := procfile(t); web != "" {
		r.start = web
	}
	return r, from
}

// mainOf is the Python program that most likely is the service.
func mainOf(t *worktree.Tree) string {
	switch {
	case t.Has("manage.py"):
		return "manage.py runserver 0.0.0.0:8080"
	case t.Has("main.py"):
		return "main.py"
	}
	return "app.py"
}

func guessNode(t *worktree.Tree) recipe {
	var described struct {
		Main    string
		Scripts map[string]string
	}
	_ = json.Unmarshal(read(t, "package.json"), &described) // what can't be read is no reason not to guess
	r := recipe{"nodejs22", "npm install", "node " + described.Main}
	if described.Main == "" {
		r.start = "node index.js"
	}
	if t.Has("package-lock.json") {
		r.build = "npm ci"
	}
	if t.Has("yarn.lock") {
		r.build = "yarn install --frozen-lockfile"
	}
	if described.Scripts["build"] != "" {
		r.build += " && npm run build"
	}
	if described.Scripts["start"] != "" {
		r.start = "npm start"
	}
	return r
}

// procfile is the command of a Procfile's web process.
func procfile(t *worktree.Tree) string {
	for line := range strings.Lines(string(read(t, "Procfile"))) {
		if web, ok := strings.CutPrefix(line, "web:"); ok {
			return strings.TrimSpace(web)
		}
	}
	return ""
}

func read(t *worktree.Tree, name string) []byte {
	if !t.Has(name) {
		return nil
	}
	text, err := os.ReadFile(filepath.Join(t.Dir, name))
	if err != nil {
		return nil
	}
	return text
}
