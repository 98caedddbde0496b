package output

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"

	"apron/cli/document"
)

// looks is every way to look at a response that makes a difference.
func looks() []Options {
	list := []Options{{Format: "json"}, {Format: "yaml"}, {Format: "yaml-stream"}, {Format: "text"}}
	for _, width := range []int{0, 40, 80, 200} {
		list = append(list, Options{Format: "table", Color: "off", Width: width})
	}
	for _, o := range []Options{
		{Color: "auto"}, {Color: "auto", Terminal: true}, {Color: "auto", Terminal: true, Paged: true}, {Color: "on"}, {Color: "on", Terminal: true, Paged: true},
		{Color: "off", Terminal: true},
	} {
		o.Format, o.Width = "table", 80
		list = append(list, o)
	}
	return list
}

// TestWrite_AgreesWithTheReference holds what is written, and what is said of what cannot be, against the formatters of
// the AWS CLI itself.
func TestWrite_AgreesWithTheReference(t *testing.T) {
	var questions []question
	var docs []any
	for i, d := range documents(t, 350) {
		all := looks()
		if i > 200 {
			all = append(all[:4:4], all[4+i%(len(all)-4)])
		}
		for _, o := range all {
			if o.Color == "" {
				o.Color = "off"
			}
			questions = append(questions, question{Options: o, Document: document.JSON(d, 0, true)})
			docs = append(docs, d)
		}
	}
	failed := 0
	for i, want := range ask[question, [2]string](t, show, questions) {
		q := questions[i]
		if got := answer(t, docs[i], q.Options); got != want && !bothOfLists(got[1], want[1]) && failed < 20 {
			failed++
			t.Errorf("%+v:\n got %q\nwant %q", q, got, want)
		}
	}
}

// bothOfLists reports whether both are errors of a list among objects: the reference takes what is in it for keys, and
// fails with one of several texts that depend on how those compare.
func bothOfLists(got, want string) bool {
	return strings.HasPrefix(got, "list ind") && (strings.HasPrefix(want, "list ind") || strings.HasPrefix(want, "'<' not supported"))
}

func answer(t *testing.T, d any, o Options) [2]string {
	d, err := document.Parse(document.JSON(d, 0, true)) // so that nothing is there twice
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	if err := Write(&buf, "PauseService", d, o); err != nil {
		return [2]string{buf.String(), err.Error()}
	}
	return [2]string{buf.String(), ""}
}

func TestWrite_RefusesUnknownFormats(t *testing.T) {
	if err := Write(io.Discard, "PauseService", "x", Options{Format: "toml"}); err == nil || err.Error() != "Unknown output type: toml" {
		t.Errorf("got %v", err)
	}
}

// TestWrite_WhenNobodyReads has what `aws apprunner pause-service ... | true` was seen to do.
func TestWrite_WhenNobodyReads(t *testing.T) {
	for format, want := range map[string]string{"json": "", "yaml": "", "yaml-stream": "", "table": "", "text": "[Errno 32] Broken pipe"} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Close()
		got := ""
		if err := Write(w, "PauseService", "x", Options{Format: format, Color: "off", Width: 80}); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", format, got, want)
		}
		_ = w.Close()
	}
}

func BenchmarkWrite(b *testing.B) {
	summaries := []any{}
	for range 100 {
		summaries = append(summaries, document.NewMap("ServiceName", "python-app", "ServiceArn", words[5], "Status", "RUNNING", "CreatedAt", words[4]))
	}
	doc := document.NewMap("ServiceSummaryList", summaries, "NextToken", "x")
	for _, format := range []string{"json", "yaml", "text", "table"} {
		b.Run(format, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := Write(io.Discard, "ListServices", doc, Options{Format: format, Color: "on", Width: 80}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
