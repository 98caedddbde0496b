package recipe

import (
	"runtime"
	"strings"
	"testing"
	"time"
)

// Files as large as they may be, each of the kind that has cost some YAML library its time or memory.
func TestParse_IsSoonDoneWithHostileFiles(t *testing.T) {
	fill := func(text string) string { return strings.Repeat(text, maxBytes/len(text)) }
	for name, file := range map[string]string{
		"open lists":        fill("["),
		"open maps":         fill("{a: "),
		"open keys":         fill("? "),
		"dashes":            fill("- "),
		"colons":            fill("a: "),
		"values of a list":  "[" + fill("a,")[2:],
		"keys of a map":     fill("a:\n"),
		"keys and comments": fill("a:\n#\n"),
		"anchors":           fill("- &a a\n"),
		"aliases":           "a: &a a\nb:\n" + fill("- *a\n")[20:],
		"an open quote":     `a: "` + fill("\n")[4:],
		"documents":         fill("---\n"),
		"tags":              fill("- !a b\n"),
		"directives":        fill("%TAG !a! b\n"),
		"folded lines":      "a: >\n" + fill(" b\n\n")[8:],
		"unknown keys":      fill("version1: 1.0\n"),
		"merged maps":       merging(),
		"a bomb":            bomb("[", "]", least),
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			begin := time.Now()
			if _, err := Parse(FileName, []byte(file), known...); err == nil || len(err.Error()) > 10_000 {
				t.Errorf("it is taken, or says too much: %.200v", err)
			}
			took := time.Since(begin)
			runtime.ReadMemStats(&after)
			if mib := (after.TotalAlloc - before.TotalAlloc) >> 20; mib > 256 || took > time.Minute {
				t.Errorf("took %s and %d MiB", took, mib)
			} else {
				t.Logf("took %s and %d MiB", took, mib)
			}
		})
	}
}

// merging is a chain of maps each of which merges the one before.
func merging() string {
	var b strings.Builder
	b.WriteString("a: &a {version: 1.0}\n")
	for b.Len() < maxBytes-20 {
		b.WriteString("a: &a {<<: *a}\n")
	}
	return b.String()
}
