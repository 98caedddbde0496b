package api_test

import (
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestGeneratedFilesAreThoseOfTheModel(t *testing.T) {
	touchGeneratorInputs(t)
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "go", "run", "./generate", "-out", dir).CombinedOutput(); err != nil {
		t.Fatalf("go run ./generate: %v\n%s", err, out)
	}
	for _, name := range []string{"shapes_gen.go", "tables_gen.go", "own_shapes_gen.go", "own_tables_gen.go"} {
		want, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("%s is not what the generator makes of the models: run go generate ./api", name)
		}
	}
}

// touchGeneratorInputs opens what the generator reads: go test keeps a cached result as long as the files that the test
// itself opened are the same, and the generator is another process.
func touchGeneratorInputs(t *testing.T) {
	t.Helper()
	inputs, err := filepath.Glob("generate/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(inputs, "model.json", "apron.json") {
		if _, err := os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
}

// The module's own paths and external modules both fail the rule: a standard library path has no dot in its first
// element and is not apron's.
func TestPackageImportsOnlyTheStandardLibrary(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range parsed.Imports {
			path, _ := strconv.Unquote(spec.Path.Value)
			first, _, _ := strings.Cut(path, "/")
			if strings.Contains(first, ".") || first == "apron" {
				t.Errorf("%s imports %s", file, path)
			}
			checked++
		}
	}
	if checked == 0 {
		t.Fatal("no import was looked at")
	}
}
