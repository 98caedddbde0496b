package param_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"apron/cli/document"
	"apron/cli/param"
)

func unpack(s shape, value any) question {
	q := question{Kind: "unpack", Model: s.model, Shape: s.Name, Value: plain{value}}
	loaded, err := param.Load("x", value)
	if err == nil {
		loaded, err = param.Unpack("x", s.Shape, loaded)
	}
	q.Go = shown(loaded, err)
	return q
}

// values are what options are given; those of lists are given as lists, alone and with another.
var values = []string{
	"5", " 5 ", "5.5", "x", "-1", "", " ", "true", "Key=a,Value=b", "Key=a", "Key", "Li=1,Li=2", "Li=1,2", "Li=x", "One={Li=1}", "I=x", "B={}", "Interval=5", "A=1",
	`{"Key":"a","Value":"b"}`, ` {"Key": 1}`, `{"Key"}`, `{`, `["a","b"]`, ` [1, 2]`, `["a"`, `[`, `[]`, `{}`, `null`, `"a"`, `{"a":1}{`, "\u00a0{}", "\x1c[1]",
	strings.Repeat("[", 2000), strings.Repeat(`{"a":`, 2000), "file:/x", "file//x", "FILE://x", "http://x", "Key=file://x", "Key@=file://x",
}

func TestUnpack_AgreesOnEveryShape(t *testing.T) {
	var questions []question
	all, _ := shapes(t, false)
	for _, s := range all {
		if s.Type == "boolean" {
			continue // their options have no value
		}
		for i, v := range values {
			if strings.Contains(v, "@=") {
				continue // the AWS CLI of Debian is older than that
			}
			if s.Type != "list" {
				questions = append(questions, unpack(s, v))
				continue
			}
			questions = append(questions, unpack(s, []any{v}), unpack(s, []any{v, values[(i*7+3)%len(values)]}))
		}
		questions = append(questions, unpack(s, []any{}))
	}
	compare(t, questions)
}

// files are what options are loaded from; a name stands for itself.
var files = map[string]string{
	"five": "5\n", "blank": "", "space": " \n", "object": `{"Key": "a"}`, "list": "[1, 2]\r\n", "short": "Key=a,Value=b", "lines": "a\r\nb\rc\n",
	"binary": "\xff\xfe", "bom": "\ufeff{}", "quotes": "it's", "named file": "x", "file://five": "x",
}

func TestUnpack_AgreesOnFiles(t *testing.T) {
	dir := t.TempDir()
	for name, content := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("HOME", dir+"/")
	t.Setenv("WHERE", dir)
	t.Setenv("DOLLAR", "$WHERE")
	paths := []string{"", "/", "~", "~/five", "~root/nowhere", "~nobody-of-that-name/x", "$WHERE/five", "${WHERE}/five", "$NOWHERE/five", "${WHERE", "$DOLLAR/five", "${}/five", "$/five", "~/five/x", "~/" + strings.Repeat("x", 300)}
	for name := range files {
		paths = append(paths, dir+"/"+name)
	}
	var questions []question
	all, _ := shapes(t, false)
	for _, s := range all {
		if s.model == 0 || s.Type == "boolean" {
			continue
		}
		for _, path := range paths {
			for _, scheme := range []string{"file://", "fileb://"} {
				if scheme == "fileb://" && strings.HasSuffix(path, "/blank") {
					continue // of no bytes at all Python says yet another thing
				}
				questions = append(questions, unpack(s, scheme+path), unpack(s, []any{scheme + path}), unpack(s, []any{scheme + path, "x"}))
			}
		}
	}
	compare(t, questions)
}

// TestUnpack_LoadsMembersOfShorthand has no older AWS CLI to ask.
func TestUnpack_LoadsMembersOfShorthand(t *testing.T) {
	path := filepath.Join(t.TempDir(), "value")
	if err := os.WriteFile(path, []byte("from a file"), 0o644); err != nil {
		t.Fatal(err)
	}
	all, _ := shapes(t, false)
	for _, s := range all {
		if s.Name != "TagList" {
			continue
		}
		v, err := param.Unpack("tags", s.Shape, []any{"Key=a,Value@=file://" + path})
		if got := shown(v, err); got != "[{'Key': 'a', 'Value': 'from a file'}]" {
			t.Errorf("got %s", got)
		}
		v, err = param.Unpack("tags", s.Shape, []any{"Key@=file:///nowhere"})
		if got := shown(v, err); got != "param: Error parsing parameter '--tags': Unable to load paramfile file:///nowhere: [Errno 2] No such file or directory: '/nowhere'" {
			t.Errorf("got %s", got)
		}
	}
}

func TestMergeInput_Agrees(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"good": `{"A": 1, "B": [2]}`, "bom": "\ufeff{\"A\": 1}", "binary": "\xff{}"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	type input struct {
		Params     plain
		JSON, YAML *string
	}
	texts := []string{`{}`, ``, strings.Repeat(`{"a":`, 2000), ` `, `{"A": 2, "C": {"D": null}}`, `[]`, `null`, `"x"`, `1`, `1.5`, `true`, `{`, `{"A": NaN}`, "file://" + dir + "/good", "fileb://" + dir + "/good",
		"fileb://" + dir + "/bom", "fileb://" + dir + "/binary", `{"C": 1, "C": 2}`}
	var questions []question
	for _, text := range texts {
		for _, in := range []input{{}, {JSON: new(text)}, {YAML: new(text)}, {JSON: new(text), YAML: new(text)}} {
			if in.JSON == nil && in.YAML != nil && (strings.Contains(text, "NaN") || len(text) > 2000 || text == ` ` || strings.Contains(text, `"C": 2`)) {
				continue // where YAML is not what JSON is
			}
			params := document.NewMap("A", "kept")
			in.Params = plain{document.NewMap("A", "kept")}
			err := param.MergeInput(params, in.JSON, in.YAML)
			encoded, _ := json.Marshal(in)
			questions = append(questions, question{Kind: "merge", Value: json.RawMessage(encoded), Go: shown(params, err)})
		}
	}
	compare(t, questions)
}
