package prompt

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"apron/cli/complete"
)

// kept is how many lines the file holds at most.
const kept = 500

// history are the lines of earlier prompts, and the place in them while they are walked through. A file that cannot be
// read or written is no reason not to prompt, so nothing here fails.
type history struct {
	path  string
	file  historyFile
	at    int    // counts back from the newest; 0 is the line being typed
	typed string // that line, while another is shown
}

// historyFile is the form in which AWS's prompt keeps its lines, in the same file.
type historyFile struct {
	Version  int      `json:"version"`
	Commands []string `json:"commands"`
}

func openHistory(path string) *history {
	h := &history{path: path, file: historyFile{Version: 1}}
	if text, err := os.ReadFile(path); err == nil {
		var f historyFile
		if json.Unmarshal(text, &f) == nil {
			h.file = f
		}
	}
	return h
}

// add keeps a line, unless it is the newest already.
func (h *history) add(line string) {
	all := h.file.Commands
	if h.path == "" || line == "" || len(all) > 0 && all[len(all)-1] == line {
		return
	}
	h.file.Commands = append(all, line)
	h.file.Commands = h.file.Commands[max(0, len(h.file.Commands)-kept):]
	if text, err := json.Marshal(h.file); err == nil {
		h.write(text)
	}
}

// write replaces the file as a whole: two prompts may end at the same time.
func (h *history) write(text []byte) {
	dir := filepath.Dir(h.path)
	if os.MkdirAll(dir, 0o755) != nil {
		return
	}
	f, err := os.CreateTemp(dir, "prompt_history-*")
	if err != nil {
		return
	}
	_, err = f.Write(text)
	if closed := f.Close(); err != nil || closed != nil || os.Rename(f.Name(), h.path) != nil {
		os.Remove(f.Name())
	}
}

// older and newer return the line to show instead of the one shown now, and whether there is one.
func (h *history) older(shown string) (string, bool) { return h.walk(shown, 1) }
func (h *history) newer(shown string) (string, bool) { return h.walk(shown, -1) }

func (h *history) walk(shown string, by int) (string, bool) {
	to := h.at + by
	if to < 0 || to > len(h.file.Commands) {
		return "", false
	}
	if h.at == 0 {
		h.typed = shown
	}
	h.at = to
	if to == 0 {
		return h.typed, true
	}
	return h.file.Commands[len(h.file.Commands)-to], true
}

// search returns the lines that hold what was typed, newest first, each once.
func (h *history) search(typed string) []complete.Suggestion {
	var all []complete.Suggestion
	seen := map[string]bool{}
	for _, line := range slices.Backward(h.file.Commands) {
		if line = strings.TrimSpace(line); line != "" && !seen[line] {
			seen[line] = true
			all = append(all, complete.Suggestion{Text: line, Word: line})
		}
	}
	return complete.Fuzzy(strings.TrimLeft(typed, " "), all)
}
