package cli_test

import (
	"strings"
	"testing"
)

const aliases = `[toplevel]
hold = apprunner pause-service --output text
apprunner = apprunner --region eu-west-1
loop = loop
here = there
there = here
say = !echo said
fail = !exit 3; true
broken = "open
profiled = apprunner --profile x

[command apprunner]
stop = pause-service --query OperationId --output text
list-services = list-services --output yaml
shout = !echo loud
round = round
`

func TestAlias_StandsForItsText(t *testing.T) {
	s := serve(t, map[string]string{"AppRunner.PauseService": paused, "AppRunner.ListServices": `{"ServiceSummaryList":[]}`})
	l := newLine(t, s)
	l.write(t, ".aws/cli/alias", aliases)
	for words, want := range map[string]string{
		"hold --service-arn x --query OperationId":                     "o-1\n",
		"apprunner stop --service-arn x":                               "o-1\n",
		"apprunner list-services":                                      "ServiceSummaryList: []\n",
		"apprunner stop --service-arn x --query Service --output json": "o-1\n", // the alias's own options come last
		"say it's":            "said it's\n",
		"apprunner shout a b": "loud a b\n",
	} {
		if code, stdout, stderr := l.run(t, strings.Fields(words)...); code != 0 || stdout != want {
			t.Errorf("%s: %d, %q, %q", words, code, stdout, stderr)
		}
	}
}

func TestAlias_SaysWhatIsWrong(t *testing.T) {
	l := newLine(t, nil)
	l.write(t, ".aws/cli/alias", aliases)
	for words, want := range map[string]string{
		"loop x":          "stands for itself",
		"here x":          "alias \"here\" in the alias file stands for itself",
		"apprunner round": "alias \"round\" in the alias file stands for itself",
		"broken":          "Value of alias \"broken\" could not be parsed. Received error: No closing quotation when parsing:\n\"open",
		"profiled stop x": "Global parameter \"--profile\" detected in alias \"profiled\"",
	} {
		if code, _, stderr := l.run(t, strings.Fields(words)...); code != 255 || !strings.Contains(stderr, want) {
			t.Errorf("%s: %d, %q", words, code, stderr)
		}
	}
	if code, _, _ := l.run(t, "fail"); code != 3 {
		t.Errorf("the exit code of an external alias became %d", code)
	}
}
