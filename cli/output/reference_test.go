package output

import (
	"math/rand/v2"
	"testing"

	"apron/cli/clitest"
	"apron/cli/document"
)

// ask has the reference answer each of a list of questions.
func ask[Q, A any](t testing.TB, script string, questions []Q) []A {
	t.Helper()
	var answers []A
	clitest.Python(t, script, questions, &answers)
	if len(answers) != len(questions) {
		t.Fatalf("%d answers to %d questions", len(answers), len(questions))
	}
	return answers
}

// show has the AWS CLI's own formatters write what a query found, with the terminal that each question describes.
const show = `
import argparse, colorama, io, json, sys
from awscli import formatter, table
class Found:
    def __init__(self, value): self.value = value
    def search(self, response): return self.value
out = []
for q in json.load(sys.stdin):
    table.determine_terminal_width = lambda: q['Width']
    table.is_a_tty = lambda: q['Terminal']
    args = argparse.Namespace(query=Found(json.loads(q['Document'])), color=q['Color'])
    sys.stdout, sys.stderr = stream, _ = io.StringIO(), io.StringIO()
    colorama.initialise.atexit_done = True
    error = ''
    try:
        f = formatter.get_formatter(q['Format'], args)
        f('PauseService', {'r': 1}, stream if q['Paged'] else sys.stdout)
    except Exception as e:
        error = str(e)
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
    out.append([stream.getvalue(), error])
json.dump(out, sys.stdout)`

type question struct {
	Options
	Document string
}

var words = []any{
	"", "a", "x y", "RUNNING", "2020-11-20T19:05:25+00:00", "arn:aws:apprunner:us-east-1:123456789012:service/python-app/8fe1e10304f84fd2b0df550fe98a71fa",
	"日本語", "é", "e\u0301", "😀", "a\tb", "a\nb", "α", "it's", "ｱ", "—", nil, true, false, int64(0), int64(1), int64(-20), 0.0, 1.5, 1e16, 1e-7,
}

var keys = []string{"A", "B", "Service", "ServiceArn", "Status", "a", "日本", "", "AutoScalingConfigurationSummary", "é"}

type random struct{ *rand.Rand }

// value mixes lists and objects of like kinds, which tables are for, with some that no table can show.
func (r random) value(depth int) any {
	switch n := r.IntN(10); {
	case n < 2 && depth > 0:
		return r.list(func() any { return r.value(depth - 1) })
	case n < 4 && depth > 0:
		return r.list(func() any { return r.object(depth - 1) })
	case n < 7 && depth > 0:
		return r.object(depth)
	}
	return words[r.IntN(len(words))]
}

func (r random) list(item func() any) any {
	list := []any{}
	for range r.IntN(4) {
		list = append(list, item())
	}
	return list
}

func (r random) object(depth int) any {
	m := &document.Map{}
	for range r.IntN(5) {
		m.Set(keys[r.IntN(len(keys))], r.value(depth-1))
	}
	return m
}

func documents(t testing.TB, n int) []any {
	huge := document.NewMap("Service", document.NewMap("ServiceName", "a", "Status", words[3], "Instance", document.NewMap("Cpu", "1", "Memory", "2")), "OperationId", "x")
	docs := append([]any{[]any{}, &document.Map{}, huge, []any{huge, huge}, []any{words[:]}, words[:]}, words...)
	for _, v := range words {
		docs = append(docs, []any{v}, []any{v, "x"}, []any{[]any{v}, "x"}, []any{document.NewMap("k", v), v}, document.NewMap("k", v), document.NewMap("k", v, "l", []any{v}))
	}
	docs = append(docs, []any{document.NewMap("", document.NewMap("k", "v")), ""}, []any{"", document.NewMap("", document.NewMap("k", "v"), "l", "x")})
	for _, seed := range clitest.Seeds(t) {
		t.Logf("seed %d", seed)
		r := random{rand.New(rand.NewPCG(seed, 0))}
		for range n {
			docs = append(docs, r.value(4))
		}
	}
	return docs
}
