package complete

import (
	"os"
	"path/filepath"
	"strings"
)

// fileScheme returns what marks the value as the name of a file, or nothing.
func fileScheme(value string) string {
	for _, scheme := range []string{"file://", "fileb://"} {
		if strings.HasPrefix(value, scheme) {
			return scheme
		}
	}
	return ""
}

// files are the entries of the directory that the value names; directories end in a slash.
func files(value string) (all []Suggestion) {
	scheme := fileScheme(value)
	name := value[len(scheme):]
	if name == "~" {
		return []Suggestion{{Word: value + "/", Display: "~/"}}
	}
	typed := name[:strings.LastIndexByte(name, '/')+1]
	entries, err := os.ReadDir(expand(typed))
	if err != nil {
		return nil
	}
	for _, e := range entries {
		label := e.Name()
		if info, err := os.Stat(filepath.Join(expand(typed), label)); err == nil && info.IsDir() {
			label += "/"
		}
		all = append(all, Suggestion{Word: scheme + typed + label, Display: label})
	}
	return all
}

// expand returns the directory as the system knows it.
func expand(dir string) string {
	if dir == "" {
		return "."
	}
	if home, err := os.UserHomeDir(); err == nil && strings.HasPrefix(dir, "~/") {
		return filepath.Join(home, dir[2:])
	}
	return dir
}
