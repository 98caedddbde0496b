package awsdocs_test

import (
	"compress/gzip"
	"os"
	"path/filepath"
	"testing"

	"apron/cli/awsdocs"
)

const model = `{"operations":{"A":{}},"shapes":{
	"AInput":{"members":{
		"Name":{"shape":"Name","documentation":"<p>A name, with a <code>code</code>\nin it: and more. And more.</p>"},
		"Plain":{"shape":"Plain"},
		"Broken":{"shape":"Name","documentation":"<p>Not closed. Really"},
		"Silent":{"shape":"Name"}}},
	"Name":{"documentation":""},
	"Plain":{"documentation":"<p>Of the shape.</p>"}}}`

func write(t *testing.T, home, text string, packed bool) {
	t.Helper()
	dir := filepath.Join(home, ".aws", "models", "svc", "2020-01-01")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "service-2.json")
	if packed {
		name += ".gz"
	}
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if !packed {
		_, err = f.WriteString(text)
	} else if z := gzip.NewWriter(f); err == nil {
		if _, err = z.Write([]byte(text)); err == nil {
			err = z.Close()
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

func find(home string) *awsdocs.Docs {
	return awsdocs.Find("svc", func(name string) (string, bool) { return home, name == "HOME" })
}

func TestMember_IsTheFirstSentence(t *testing.T) {
	for _, packed := range []bool{false, true} {
		home := t.TempDir()
		write(t, home, model, packed)
		docs := find(home)
		for member, want := range map[string]string{
			"Name":   "A name, with a code in it.",
			"Plain":  "Of the shape.",
			"Broken": "<p>Not closed.",
			"Silent": "",
			"Absent": "",
		} {
			if got, ok := docs.Member("AInput", member); got != want || ok == (member == "Absent") {
				t.Errorf("%s, packed %t: got %q, %t, want %q", member, packed, got, ok, want)
			}
		}
	}
}

func TestFind_PassesOverWhatIsNoModel(t *testing.T) {
	home := t.TempDir()
	write(t, home, "{", false)
	write(t, home, model, true)
	if got, _ := find(home).Member("AInput", "Plain"); got != "Of the shape." {
		t.Errorf("got %q", got)
	}
	if got, ok := find(t.TempDir()).Member("AInput", "Plain"); got != "" || ok {
		t.Errorf("without any model: got %q, %t", got, ok)
	}
}
