package jmespath

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"apron/cli/clitest"
	"apron/cli/document"
)

// question is an expression and the JSON that it is to search.
type question struct{ Expression, Document string }

// ask answers a list of questions on standard input as the AWS CLI's own jmespath does: JSON of what was found, or the
// text of the error. Python prints an expression reference with its address, which is another one each time.
const ask = `
import json, sys
import jmespath, jmespath.visitor
jmespath.visitor._Expression.__repr__ = lambda self: '<jmespath.visitor._Expression object at 0x7f0000000000>'
def answer(expression, document):
    try:
        found = jmespath.compile(expression).search(json.loads(document))
        return json.dumps(found, default=lambda o: o)
    except Exception as e:
        return 'error: ' + str(e)
json.dump([answer(q['Expression'], q['Document']) for q in json.load(sys.stdin)], sys.stdout)`

func python(t *testing.T, questions []question) []string {
	t.Helper()
	in, err := json.Marshal(questions)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/usr/bin/python3", "-W", "ignore", "-X", "utf8", "-c", ask)
	cmd.Stdin = strings.NewReader(string(in))
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("python3 with Debian's package python3-jmespath, which awscli brings along: %v", err)
	}
	list, err := document.Parse(string(out)) // encoding/json knows no half of a surrogate pair
	if err != nil {
		t.Fatal(err)
	}
	var answers []string
	for _, a := range list.([]any) {
		answers = append(answers, a.(string))
	}
	return answers
}

func answer(t *testing.T, q question) string {
	t.Helper()
	v, err := document.Parse(q.Document)
	if err != nil {
		t.Fatal(err)
	}
	e, err := Compile(q.Expression)
	if err != nil {
		return "error: " + err.Error()
	}
	found, err := e.Search(v)
	if err != nil {
		return "error: " + err.Error()
	}
	return document.JSON(found, 0, true)
}

// agree fails where an answer is not Python's, and says so ten times at most.
func agree(t *testing.T, questions []question) {
	t.Helper()
	wrong := 0
	for i, want := range python(t, questions) {
		got := answer(t, questions[i])
		if got == want {
			continue
		}
		if wrong++; wrong <= 10 {
			t.Errorf("%q\n  of %s\n got %q\nwant %q", questions[i].Expression, questions[i].Document, got, want)
		}
	}
	if wrong > 10 {
		t.Errorf("and %d more of %d", wrong-10, len(questions))
	}
}

func TestSearch_AgreesOnTheTable(t *testing.T) {
	agree(t, table())
}

func TestSearch_AgreesOnGenerated(t *testing.T) {
	for _, seed := range clitest.Seeds(t) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { agree(t, generated(seed, 3000)) })
	}
}

func FuzzCompile(f *testing.F) {
	for _, q := range generated(2, 200) {
		f.Add(q.Expression, q.Document)
	}
	f.Fuzz(func(t *testing.T, expression, text string) {
		e, err := Compile(expression)
		if err != nil {
			return
		}
		v, err := document.Parse(text)
		if err != nil {
			return
		}
		if found, err := e.Search(v); err == nil {
			document.Type(found) // panics at what is no document
		}
	})
}

func BenchmarkCompileAndSearch(b *testing.B) {
	v, err := document.Parse(services)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		e, err := Compile("ServiceSummaryList[?Status=='RUNNING'].{Name: ServiceName, Url: ServiceUrl} | sort_by(@, &Name)")
		if err != nil {
			b.Fatal(err)
		}
		if _, err := e.Search(v); err != nil {
			b.Fatal(err)
		}
	}
}
