package main_test

import (
	"encoding/json"
	"testing"

	"apron/api"
	"apron/aprontest"
)

// operations are those of the API's model, with the names of the exceptions that each declares.
func operations(t *testing.T) map[string][]string {
	t.Helper()
	var m struct {
		Operations map[string]struct{ Errors []string }
	}
	if err := json.Unmarshal(api.Model, &m); err != nil {
		t.Fatal(err)
	}
	declared := map[string][]string{}
	for name, o := range m.Operations {
		declared[name] = o.Errors
	}
	return declared
}

// newerModel is a directory for AWS_DATA_PATH with the whole model, for which Debian's clients are too old.
func newerModel(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := aprontest.WriteBotocoreModel(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}
