package help

import (
	"encoding/json"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"testing"

	"apron/api"
	"apron/cli/globals"
	"apron/cli/model"
)

// TestTexts_AreThereForAllAndNothingElse looks up everything that a page of the API can show, and then what is left.
func TestTexts_AreThereForAllAndNothingElse(t *testing.T) {
	s, err := model.Read("apprunner", api.Model)
	if err != nil {
		t.Fatal(err)
	}
	all := read[texts]("apprunner")
	u := unused{texts: all, left: maps.Clone(all.Members), seen: map[*model.Shape]bool{}}
	for _, op := range s.Operations {
		if all.operation(op) == "" {
			t.Errorf("nothing is said of %s", op.Name)
		}
		delete(all.Operations, op.Name)
		delete(all.Examples, op.Name)
		u.visit(t, op.Input)
		u.visit(t, op.Output)
	}
	for _, left := range []any{all.Operations, all.Examples, u.left} {
		if text, _ := json.Marshal(left); string(text) != "{}" {
			t.Errorf("nothing shows %s", text)
		}
	}
}

// TestTexts_OfOwnActionsAreInTheirModel: they are written beside what they describe.
func TestTexts_OfOwnActionsAreInTheirModel(t *testing.T) {
	s, err := model.Read("apron", api.OwnModel)
	if err != nil {
		t.Fatal(err)
	}
	own := read[texts]("apron")
	u := unused{texts: own, seen: map[*model.Shape]bool{}}
	for _, op := range s.Operations {
		if op.Doc == "" {
			t.Errorf("nothing is said of %s", op.Name)
		}
		u.visit(t, op.Input)
		u.visit(t, op.Output)
	}
	if len(own.Description) == 0 || len(own.Operations)+len(own.Members)+len(own.Examples) > 0 {
		t.Errorf("beside the model there is %+v", own)
	}
}

// unused is what no member has shown yet.
type unused struct {
	texts texts
	left  map[string]string
	seen  map[*model.Shape]bool
}

func (u *unused) visit(t *testing.T, s *model.Shape) {
	if s == nil || u.seen[s] {
		return
	}
	u.seen[s] = true
	u.visit(t, s.Elem)
	for _, m := range s.Members {
		if u.texts.member(s, m) == "" {
			t.Errorf("nothing is said of %s.%s", s.Name, m.Name)
		}
		if _, ok := u.texts.Members[s.Name+"."+m.Name]; ok {
			delete(u.left, s.Name+"."+m.Name)
		} else {
			delete(u.left, m.Name)
		}
		u.visit(t, m.Shape)
	}
}

func TestTexts_AreThereForEveryGlobalOption(t *testing.T) {
	c := read[common]("globals")
	for _, o := range globals.Options() {
		if c.Globals[o.Name] == "" {
			t.Errorf("nothing is said of %s", o.Flag())
		}
		delete(c.Globals, o.Name)
	}
	if len(c.Globals) > 0 || len(c.Description) == 0 || c.Usage == "" || c.Input == "" || c.Skeleton == "" {
		t.Errorf("of no option, or missing: %+v", c)
	}
}

// TestTexts_AreSentences reads every file: each text begins and ends as a sentence does, and its marks come in pairs.
func TestTexts_AreSentences(t *testing.T) {
	files, err := fs.Glob(textFiles, "texts/*.json")
	if err != nil || len(files) < 3 {
		t.Fatalf("%v, %v", files, err)
	}
	sentence := regexp.MustCompile("^(apron|[A-Z]|`[^`]+`)[^`]*(`[^`]*`[^`]*)*[.]$")
	for _, name := range files {
		text, err := textFiles.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if name == "texts/topics.json" {
			continue // these have lists and tables; their own test reads them
		}
		var f any
		if err := json.Unmarshal(text, &f); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, s := range prose(f) {
			if !sentence.MatchString(s) {
				t.Errorf("%s: %q is no sentence, or a mark is left open", name, s)
			}
		}
	}
}

// prose returns the texts below a value, but for examples.
func prose(v any) (list []string) {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		for _, e := range v {
			list = append(list, prose(e)...)
		}
	case map[string]any:
		delete(v, "examples")
		for _, k := range slices.Sorted(maps.Keys(v)) {
			list = append(list, prose(v[k])...)
		}
	}
	return list
}
