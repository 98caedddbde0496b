package help_test

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"strings"
	"testing"

	"apron/api"
	"apron/cli/help"
	"apron/cli/model"
)

// typeset gives a page to man's typesetter, which may warn of nothing.
func typeset(t *testing.T, page string) string {
	t.Helper()
	if _, err := os.Stat("/usr/bin/groff"); err != nil {
		t.Skipf("SKIP: %v; install it with apt-get install groff", err)
	}
	cmd := exec.Command("/usr/bin/groff", "-ww", "-man", "-T", "ascii", "-P-c", "-P-b", "-P-u")
	cmd.Stdin = strings.NewReader(page)
	var warnings bytes.Buffer
	cmd.Stderr = &warnings
	out, err := cmd.Output()
	if err != nil || warnings.Len() > 0 {
		t.Fatalf("%v\n%s", err, warnings.String())
	}
	return string(out)
}

func TestMan_IsAPageForMan(t *testing.T) {
	s := read(t, "apprunner", api.Model)
	got := typeset(t, help.Operation(s, s.Operation("create-service")).Man("apron-apprunner-create-service"))
	for _, want := range []string{
		"APRON-APPRUNNER-CREATE-SERVICE(1)",
		"\nNAME\n       apron-apprunner-create-service  - Makes a service and starts the opera-\n",
		"\nOPTIONS\n       --service-name (string)\n           The name: 4 to 40 letters,",
		"\n           {\n             \"CodeRepository\": {\n               \"RepositoryUrl\": \"string\",\n",
		"'ImageRepository={ImageIdentifier=127.0.0.1:4080/web:1,ImageRepositoryType=ECR}'\n",
		"aws apprunner create-service --service-name web-app \\\n",
		"\nOUTPUT\n       Service -> (structure)\n           The service as it is after the call.\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in the page", want)
		}
	}
}

func TestMan_TypesetsEveryPage(t *testing.T) {
	var all strings.Builder
	both := pages(read(t, "apprunner", api.Model))
	maps.Copy(both, pages(read(t, "apron", api.OwnModel)))
	for name, p := range both {
		all.WriteString(p.Man("apron-" + strings.ReplaceAll(name, " ", "-")))
	}
	for _, name := range help.Topics() {
		all.WriteString(help.Topic(name).Man("apron-" + name))
	}
	if got := typeset(t, all.String()); strings.Count(got, "\nNAME\n") != len(both)+len(help.Topics()) {
		t.Errorf("%d pages", strings.Count(got, "\nNAME\n"))
	}
}

func TestMan_EscapesWhatTheTypesetterReads(t *testing.T) {
	op := &model.Operation{Name: "X", CLIName: "x", Doc: "'Begins' like .TH, has a \\ and ~^, and `.PP --bold`. More."}
	got := help.Operation(&model.Service{Name: "none"}, op).Man("x")
	want := "x \\- \\(aqBegins\\(aq like .TH, has a \\e and \\(ti\\(ha, and .PP \\-\\-bold\n.SH \"DESCRIPTION\"\n.PP\n" +
		"\\&\\(aqBegins\\(aq like .TH, has a \\e and \\(ti\\(ha, and \\fB.PP \\-\\-bold\\fR. More.\n"
	if !strings.Contains(got, want) {
		t.Errorf("got\n%s", got[:min(len(got), 400)])
	}
}
