package yaml

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
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

const dump = `
import io, json, sys
from awscli.formatter import YAMLDumper
out = []
for text in json.load(sys.stdin):
    stream = io.StringIO()
    YAMLDumper().dump(json.loads(text), stream)
    out.append(stream.getvalue())
json.dump(out, sys.stdout)`

// strings that a writer of YAML has to think about.
var delicate = []string{
	"", " ", "  ", "a", " a", "a ", "a b", "a  b", "\n", "\n\n", "a\n", "a\nb", "a\n\nb", "a\n b", "a \nb", "\na", "a\n\n", " a\nb", "a\n'b'",
	"true", "True", "TRUE", "tRUE", "false", "yes", "no", "on", "off", "y", "n", "null", "Null", "NULL", "~", "<<", "=", "!", "&", "*", "nan",
	".nan", ".inf", "-.inf", "+.INF", "inf", "1", "-1", "+1", "01", "0o17", "0x1F", "0b101", "1_000", "_1", "1e3", "1.5", "1.", ".5", "1e-7",
	"+.5e+3", ".5e3", "1:30", "190:20:30", "1.2.3", "2024-01-01", "2024-1-1", "2024-01-01T00:00:00Z", "2024-01-01 00:00:00", "2024-1-1 1:00:00",
	"2020-11-20T19:05:25+00:00", "2024-01-01T00:00:00.5 +01:30", "12e03", "0o8", "-", "- a", "-a", "?", "? a", "?a", ":", ": a", ":a", "a:",
	"a: b", "a:b", "a #b", "a#b", "#a", "a,b", "[a]", "{a}", "a[0]", "a{b}", "'a'", "it's", `"a"`, `a "b"`, `\`, `a\b`, "%a", "@a", "`a", "|", ">", "|a",
	"---", "--- a", "---a", "...", "...a", "--", "-- a", "a\tb", "\ta", "a\t", "\t", "a:\tb", "a\t#b", "\x00", "\x01", "\x07", "\x1b", "\x7f", "\u0080", "\u0085", "\u00a0", "a\u00a0b",
	"é", "日本語", "\u2028", "a\u2028b", "a\u2028\nb", "a\u2029b", "\u2028a", "\ufeff", "a\ufeffb", "\ufffd", "\ufffe", "😀", "a 😀 b", "\r", "a\rb", "a\r\nb", "\u200b", "\ue000",
	"arn:aws:apprunner:us-east-1:123456789012:service/python-app/8fe1e10304f84fd2b0df550fe98a71fa", "*.example.com", "!Ref x", "<a>", "a: ", "a :b", "key:\nvalue",
	strings.Repeat("word ", 40), strings.Repeat("word ", 40) + "end", strings.Repeat("two  ", 40) + "x", strings.Repeat("x", 200), strings.Repeat("x", 79) + " y",
	strings.Repeat("x", 90) + " " + "y", strings.Repeat("x", 90) + "  y", strings.Repeat("é ", 90) + "z", strings.Repeat("it's ", 40) + ": x", strings.Repeat("a\n", 5) + strings.Repeat("b c ", 30),
	"# " + strings.Repeat("word ", 40) + "end", "'" + strings.Repeat("two  three ", 20), "\t" + strings.Repeat("two  three ", 20), "\t" + strings.Repeat("x", 90) + "   ",
	strings.Repeat("x", 128), strings.Repeat("x", 129), strings.Repeat("é", 64), strings.Repeat("é", 65), "- " + strings.Repeat("x", 90) + " ", strings.Repeat("- x", 90),
}

func numbers() []any {
	huge, _ := new(big.Int).SetString("123456789012345678901234567890", 10)
	return []any{nil, true, false, int64(0), int64(-1), int64(math.MaxInt64), huge, 0.0, 1.0, -1.5, 1e16, 1e-7, 1.5e22, 123456789.123, 5e-324, math.Inf(1), math.Inf(-1), math.NaN()}
}

// corpus is every delicate string, and some other values, in every place where one may be.
func corpus() []any {
	var docs []any
	values := numbers()
	for _, s := range delicate {
		values = append(values, s)
	}
	values = append(values, []any{}, &document.Map{}, []any{[]any{}}, []any{[]any{[]any{int64(1)}}}, document.NewMap("b", []any{}, "a", &document.Map{}))
	for _, v := range values {
		docs = append(docs, v, []any{v}, []any{v, v}, document.NewMap("k", v), document.NewMap("k", []any{v, int64(1)}), []any{[]any{v}, []any{"x", v}},
			[]any{document.NewMap("z", v, "a", v)}, document.NewMap("k", document.NewMap("k", document.NewMap("k", v))), []any{[]any{document.NewMap("k", []any{[]any{v}})}})
	}
	for _, k := range delicate {
		for _, v := range []any{"v", strings.Repeat("word ", 30), []any{"v"}, []any{}, document.NewMap("k", "v", "l", []any{"m"}), &document.Map{}} {
			docs = append(docs, document.NewMap(k, v), []any{document.NewMap(k, v, "x", v)}, document.NewMap("k", document.NewMap(k, v)))
		}
	}
	return docs
}

// random builds documents out of the delicate strings, joined at random, so that folding meets every kind of text.
type random struct{ *rand.Rand }

func (r random) text() string {
	var b strings.Builder
	for range r.IntN(6) {
		b.WriteString(delicate[r.IntN(len(delicate))])
		if r.IntN(2) == 0 {
			b.WriteByte(' ')
		}
	}
	return b.String()
}

func (r random) value(depth int) any {
	switch n := r.IntN(8); {
	case n < 2 && depth > 0:
		list := []any{}
		for range r.IntN(4) {
			list = append(list, r.value(depth-1))
		}
		return list
	case n < 4 && depth > 0:
		m := &document.Map{}
		for range r.IntN(4) {
			m.Set(r.text(), r.value(depth-1))
		}
		return m
	case n == 4:
		return numbers()[r.IntN(18)]
	}
	return r.text()
}

func randomDocuments(t testing.TB, n int) []any {
	var docs []any
	for _, seed := range clitest.Seeds(t) {
		t.Logf("seed %d", seed)
		r := random{rand.New(rand.NewPCG(seed, 0))}
		for range n {
			docs = append(docs, r.value(5))
		}
	}
	return docs
}

// TestMarshal_AgreesWithTheReference holds the bytes against the dumper of the AWS CLI itself.
func TestMarshal_AgreesWithTheReference(t *testing.T) {
	docs := append(corpus(), randomDocuments(t, 1500)...)
	var questions []string
	for _, d := range docs {
		questions = append(questions, document.JSON(d, 0, true))
	}
	failed := 0
	for i, want := range ask[string, string](t, dump, questions) {
		if got := Marshal(unshare(docs[i])); got != want && failed < 20 {
			failed++
			t.Errorf("%s:\n got %q\nwant %q", questions[i], got, want)
		}
	}
}

// unshare copies v so that nothing in it is there twice, as what Python reads from JSON.
func unshare(v any) any {
	copied, err := document.Parse(document.JSON(v, 0, true))
	if err != nil {
		panic(fmt.Sprintf("a document that does not read back: %v", err))
	}
	return copied
}

const dumpShared = `
import io, json, sys
from awscli.formatter import YAMLDumper
out = []
for text in json.load(sys.stdin):
    x, y = {'b': 1, 'a': []}, ['c', ['d']]
    stream = io.StringIO()
    YAMLDumper().dump(eval(text), stream)
    out.append(stream.getvalue())
json.dump(out, sys.stdout)`

// TestMarshal_NamesWhatIsThereTwice is what a --query that selects one thing twice leads to.
func TestMarshal_NamesWhatIsThereTwice(t *testing.T) {
	x, y := document.NewMap("b", int64(1), "a", []any{}), []any{"c", []any{"d"}}
	empty, long := &document.Map{}, strings.Repeat("k", 130)
	docs := map[string]any{
		"[x, x]":                           []any{x, x},
		"[y, y, y]":                        []any{y, y, y},
		"{'k': y, 'l': y, 'm': [y]}":       document.NewMap("k", y, "l", y, "m", []any{y}),
		"[[x, y], {'k': y, 'j': x}]":       []any{[]any{x, y}, document.NewMap("k", y, "j", x)},
		"(lambda e: [e, e])({})":           []any{empty, empty},
		"{'k'*130: y, 'l': y}":             document.NewMap(long, y, "l", y),
		"{'k'*130: x, 'a': [x]}":           document.NewMap(long, x, "a", []any{x}),
		"(lambda p: [p, p])({'q': [x,x]})": func() any { p := document.NewMap("q", []any{x, x}); return []any{p, p} }(),
		"[{'b': 1}, {'b': 1}]":             []any{document.NewMap("b", int64(1)), document.NewMap("b", int64(1))},
	}
	var questions []string
	for text := range docs {
		questions = append(questions, text)
	}
	for i, want := range ask[string, string](t, dumpShared, questions) {
		if got := Marshal(docs[questions[i]]); got != want {
			t.Errorf("%s:\n got %q\nwant %q", questions[i], got, want)
		}
	}
}

func BenchmarkMarshal(b *testing.B) {
	service := document.NewMap("ServiceName", "python-app", "ServiceArn", delicate[len(delicate)-20], "Status", "RUNNING", "Revision", int64(3), "Default", false)
	services := []any{}
	for range 100 {
		services = append(services, unshare(service))
	}
	doc := document.NewMap("ServiceSummaryList", services)
	b.ReportAllocs()
	for b.Loop() {
		Marshal(doc)
	}
}
