package prompt_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"apron/api"
	"apron/aprontest/terminal"
	"apron/cli/complete"
	"apron/cli/document"
	"apron/cli/model"
	"apron/cli/prompt"
)

// TestMain lets the tests run this binary as a program that prompts on a terminal of its own.
func TestMain(m *testing.M) {
	if os.Getenv("PROMPT_TEST") == "" {
		os.Exit(m.Run())
	}
	os.Exit(program())
}

// program prompts as the command line does, prints the arguments chosen, and exits as AWS's does.
func program() int {
	s, err := model.Read("apprunner", api.Model)
	if err != nil {
		panic(err)
	}
	c := complete.Completer{Services: []*model.Service{s}, Match: complete.Fuzzy, Call: call}
	args, err := prompt.Run(context.Background(), prompt.Config{
		Args: os.Args[1:], In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Complete: c.Complete, History: os.Getenv("PROMPT_TEST_HISTORY"),
		Doc: func(line string) string {
			if strings.Contains(line, "panic") {
				panic("the help failed")
			}
			return fmt.Sprintf("Help of %v\n%s\nthe end of it", c.Path(line), strings.Repeat("a line of help\n", 60))
		},
		Output: func(line string) string { return fmt.Sprintf("Output of %v", c.Path(line)) },
	})
	switch {
	case errors.Is(err, prompt.ErrInterrupted):
		return 130
	case err != nil:
		fmt.Println("ERROR", err)
		return 255
	}
	fmt.Printf("ARGS %q\n", args)
	return 0
}

// call asks the server that the test runs.
func call(ctx context.Context, _ map[string]string, action string, input *document.Map) (*document.Map, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, os.Getenv("PROMPT_TEST_SERVER"), strings.NewReader(document.JSON(input, 0, true)))
	if err != nil {
		return nil, err
	}
	r.Header.Set("X-Amz-Target", "AppRunner."+action)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	v, err := document.Parse(string(text))
	m, _ := v.(*document.Map)
	return m, err
}

const arn = "arn:aws:apprunner:us-east-1:123456789012:service/"

// server answers ListServices as App Runner does.
func server(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Amz-Target") != "AppRunner.ListServices" {
			w.WriteHeader(http.StatusBadRequest)
		}
		fmt.Fprintf(w, `{"ServiceSummaryList":[{"ServiceArn":"%sone/1","Status":"RUNNING"},{"ServiceArn":"%stwo/2","Status":"PAUSED"}]}`, arn, arn)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// start runs the program on a terminal of 120 columns and 30 rows, with those variables added to its environment.
func start(t *testing.T, env []string, args ...string) *terminal.Terminal {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return terminal.Start(t, exec.CommandContext(t.Context(), self, args...), append([]string{"PROMPT_TEST=1", "PROMPT_TEST_SERVER=" + server(t)}, env...)...)
}

// The keys as a terminal sends them.
const (
	tab, enter, esc, ctrlC, ctrlD, ctrlR = terminal.Tab, terminal.Enter, terminal.Esc, terminal.CtrlC, terminal.CtrlD, terminal.CtrlR
	up, down, left, home, shiftTab       = terminal.Up, terminal.Down, terminal.Left, terminal.Home, terminal.ShiftTab
	f1, f2, f3, f4, f5                   = terminal.F1, terminal.F2, terminal.F3, terminal.F4, terminal.F5
)
