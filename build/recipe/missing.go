package recipe

import (
	"path"
	"slices"
	"strings"
)

// Missing is the error for a source directory without an apprunner.yaml. The directory is as SourceDirectory has it, ""
// for the repository's root; names are those of the files in it, among which may be one that was meant.
func Missing(directory string, names []string) error {
	directory = strings.Trim(path.Clean("/"+directory), "/")
	where := "the repository's root"
	if directory != "" {
		where = "the source directory " + directory
	}
	text := "there is no such file in " + where + ". "
	if i := slices.IndexFunc(names, alike); i >= 0 {
		text += "App Runner takes no other name: rename " + names[i] + "."
	} else {
		text += "Add it, give another SourceDirectory, or use the ConfigurationSource API."
	}
	return &Faults{path.Join(directory, FileName), []Fault{{Text: text}}}
}

// alike reports whether a file's name was meant to be FileName.
func alike(name string) bool {
	switch plain(name) {
	case plain(FileName), plain("apprunner.yml"), plain("apprunner.json"), plain("apprunner"):
		return true
	}
	return false
}
