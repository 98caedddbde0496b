package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// model is api/model.json.
type model struct {
	Metadata   map[string]any `json:"metadata"`
	Operations map[string]struct {
		Input  string   `json:"input"`
		Output string   `json:"output"`
		Errors []string `json:"errors"`
	} `json:"operations"`
	Shapes map[string]any `json:"shapes"`
}

func readModel(t *testing.T) (m model) {
	t.Helper()
	text, err := os.ReadFile("../../api/model.json")
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// newerModel writes the whole model in botocore's form, for the two actions and few members that Debian's is too old for,
// and returns the directory for AWS_DATA_PATH.
func newerModel(t *testing.T) string {
	t.Helper()
	m := readModel(t)
	type shape struct {
		Shape string `json:"shape"`
	}
	operations := map[string]any{}
	for name, o := range m.Operations {
		errors := []shape{}
		for _, e := range o.Errors {
			errors = append(errors, shape{e})
		}
		operations[name] = map[string]any{
			"name": name, "http": map[string]string{"method": "POST", "requestUri": "/"},
			"input": shape{o.Input}, "output": shape{o.Output}, "errors": errors,
		}
	}
	text, err := json.Marshal(map[string]any{"version": "2.0", "metadata": m.Metadata, "operations": operations, "shapes": m.Shapes})
	dir := t.TempDir()
	path := filepath.Join(dir, "apprunner", "2020-05-15")
	if err == nil {
		err = os.MkdirAll(path, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(path, "service-2.json"), text, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
