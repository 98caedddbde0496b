package recipe

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What Parse takes it can say again, and what it refuses it refuses with a place that the file has, soon.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		f.Fatal("no files to begin with:", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(bomb("[", "]", least)))
	f.Add([]byte(bomb("{<<: [", "]}", least)))
	f.Add([]byte(with("env: &e [{name: A, value: b}]", "secrets: *e", "<<: {network: {port: 80}}")))
	f.Fuzz(func(t *testing.T, data []byte) {
		begin := time.Now()
		recipe, err := Parse(FileName, data, known...)
		if took := time.Since(begin); took > 10*time.Second {
			t.Errorf("Parse took %s for %d bytes", took, len(data))
		}
		if err != nil {
			checkFaults(t, err, data)
			return
		}
		if recipe.Run.Port < 1 || recipe.Run.Port > 65535 || recipe.Run.Command == "" || recipe.Env == nil || recipe.Run.Env == nil || recipe.Run.Secrets == nil {
			t.Errorf("the recipe can't be run: %+v", recipe)
		}
		if len(recipe.Key()) != 64 {
			t.Errorf("the key is %q", recipe.Key())
		}
	})
}

func checkFaults(t *testing.T, err error, data []byte) {
	t.Helper()
	faults, ok := errors.AsType[*Faults](err)
	if !ok || len(faults.List) == 0 || faults.Error() == "" {
		t.Fatalf("got %#v", err)
	}
	lines := strings.Count(strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n").Replace(string(data)), "\n") + 1
	for _, fault := range faults.List {
		if fault.Line < 0 || fault.Line > lines+1 || fault.Line > 0 && fault.Column < 1 || fault.Text == "" {
			t.Errorf("a fault is nowhere in %d lines: %+v", lines, fault)
		}
	}
}
