package man_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"apron/cli/man"
)

// program is a root command with `man` and one other below it.
func program() *cobra.Command {
	run := func(*cobra.Command, []string) {}
	root := &cobra.Command{Use: "apron", Short: "The platform", Run: run}
	pause := &cobra.Command{
		Use: "pause NAME", Short: "Take a service to zero", Long: "Take a service to zero.\n\n.PP is no macro here, nor \\fB a font.",
		Example: "  apron pause web-app", Run: run,
	}
	pause.Flags().StringP("data", "d", "", "`directory` of all state")
	pause.Flags().String("secret", "", "for nobody's eyes")
	_ = pause.Flags().MarkHidden("secret")
	root.AddCommand(pause, man.Command(func() string { return "v1.2" }), &cobra.Command{Use: "hidden", Hidden: true, Run: run})
	return root
}

func TestWrite_EscapesWhatRoffReads(t *testing.T) {
	root := program()
	pause, _, err := root.Find([]string{"pause"})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := man.Write(&b, pause, "v1.2"); err != nil {
		t.Fatal(err)
	}
	const want = `.TH APRON\-PAUSE 1 "" "apron v1.2" "User Commands"
.SH NAME
apron\-pause \- Take a service to zero
.SH SYNOPSIS
\fBapron pause\fR NAME [flags]
.SH DESCRIPTION
Take a service to zero.
.PP
\&.PP is no macro here, nor \efB a font.
.SH OPTIONS
.TP
\fB\-d\fR, \fB\-\-data\fR \fIdirectory\fR
directory of all state
.TP
\fB\-h\fR, \fB\-\-help\fR 
help for pause
.SH EXAMPLES
.nf
  apron pause web\-app
.fi
.SH SEE ALSO
.BR apron (1)
`
	if got := b.String(); got != want {
		t.Errorf("the page is\n%s\nwant\n%s", got, want)
	}
}

func TestCommand_WritesAPageForEachCommand(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "man1")
	root := program()
	root.SetArgs([]string{"man", "--dir", dir})
	if err := root.Execute(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if got := strings.Join(names, " "); !strings.HasPrefix(got, "apron-completion-bash.1") ||
		!strings.HasSuffix(got, "apron-man.1 apron-pause.1 apron.1") || strings.Contains(got, "hidden") {
		t.Errorf("the pages are %s", got)
	}
}
