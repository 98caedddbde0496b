package output

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// page has the AWS CLI's own classes send a text through each pager. File descriptor 1 is a file, whatever isatty says.
const page = `
import io, json, os, sys, tempfile
from awscli import utils
class Session:
    def __init__(self, pager): self.pager = pager
    def get_component(self, name): return self
    def get_config_variable(self, name): return self.pager
utils.is_a_tty = lambda: True
env = {k: v for k, v in os.environ.items() if k != 'LESS'}
def ask(q):
    try:
        with utils.OutputStreamFactory(Session(q['Command']), environ={**env, **q['Env']}).get_output_stream() as stream:
            try:
                if q['Text']: stream.write(q['Text'])
            except IOError:
                pass
            finally:
                try:
                    stream.flush()
                except IOError:
                    pass
    except Exception as e:
        return [type(e).__name__, str(e)]
    return ['', '']
out, answers = os.dup(1), []
for q in json.load(sys.stdin):
    with tempfile.TemporaryFile() as shown:
        os.dup2(shown.fileno(), 1)
        error = ask(q)
        shown.seek(0)
        answers.append(error + [shown.read().decode()])
os.dup2(out, 1)
json.dump(answers, sys.stdout)`

type paging struct {
	Command, Text string
	Env           map[string]string
}

// TestOpenStream_AgreesWithTheReference takes pagers that work, that leave early, and that cannot be run.
func TestOpenStream_AgreesWithTheReference(t *testing.T) {
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{"plain": 0o600, "empty": 0o700, "lost": 0o700} {
		text := map[string]string{"lost": "#!/no/such/shell\n", "plain": "#!/bin/sh\n"}[name]
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	var questions []paging
	for _, command := range []string{
		"cat", "sed 's/^/P:/'", `sed "s/^/it's /"`, `sed s/^/a\ b/`, "head -c 3", "true", "false", `sh -c 'echo "$LESS"; cat'`, "no-such-pager", "no-such-pager -x", "/no/such/pager",
		" ", "cat 'x", `cat \`, "''", dir, dir + "/plain", dir + "/lost", dir + "/plain/x", "plain", "empty", "lost",
	} {
		for _, text := range []string{"", "line\n", strings.Repeat("a long text\n", 20000)} {
			questions = append(questions, paging{Command: command, Text: text, Env: map[string]string{"PATH": dir + ":" + os.Getenv("PATH")}})
		}
	}
	questions = append(questions, paging{Command: `sh -c 'echo "$LESS"; cat'`, Text: "x\n", Env: map[string]string{"LESS": "S"}})
	for i, want := range ask[paging, [3]string](t, page, questions) {
		q := questions[i]
		if got := answerOfPager(t, q); got != want {
			t.Errorf("%q with %.10q:\n got %.200q\nwant %.200q", q.Command, q.Text, got, want)
		}
	}
}

func answerOfPager(t *testing.T, q paging) [3]string {
	var environ []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "LESS=") {
			environ = append(environ, v)
		}
	}
	for k, v := range q.Env {
		environ = append(environ, k+"="+v)
	}
	var shown bytes.Buffer
	err := send(t.Context(), PagerConfig{Command: q.Command, Terminal: true, Environ: environ}, q.Text, &shown)
	if err == nil {
		return [3]string{"", "", shown.String()}
	}
	kind := "ValueError"
	if _, ok := errors.AsType[*PagerError](err); ok {
		kind = "PagerInitializationException"
	} else if err.Error() == "list index out of range" {
		kind = "IndexError"
	}
	return [3]string{kind, err.Error(), shown.String()}
}

func send(ctx context.Context, c PagerConfig, text string, stdout *bytes.Buffer) error {
	stream, err := OpenStream(ctx, c, stdout)
	if err != nil {
		return err
	}
	if text != "" {
		_, err = stream.Write([]byte(text))
	}
	return errors.Join(err, stream.Close())
}

func TestOpenStream_NeedsATerminalAndACommand(t *testing.T) {
	for _, c := range []PagerConfig{{Command: "no-such-pager"}, {Terminal: true}, {}} {
		var shown bytes.Buffer
		if err := send(t.Context(), c, "x", &shown); err != nil || shown.String() != "x" {
			t.Errorf("%+v: got %q, %v", c, shown.String(), err)
		}
	}
}

// TestOpenStream_LeavesThePagerWhenInterrupted has pagers that end only with their standard input or not at all.
func TestOpenStream_LeavesThePagerWhenInterrupted(t *testing.T) {
	for _, text := range []string{"x", strings.Repeat("more than a pipe holds", 1<<16)} {
		ctx, interrupt := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, interrupt)
		file, err := os.Create(filepath.Join(t.TempDir(), "stdout"))
		if err != nil {
			t.Fatal(err)
		}
		stream, err := OpenStream(ctx, PagerConfig{Command: "sleep 5", Terminal: true, Environ: os.Environ()}, file)
		if err != nil {
			t.Fatal(err)
		}
		_, err = stream.Write([]byte(text))
		if err := errors.Join(err, stream.Close()); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want that it was interrupted", err)
		}
	}
}
