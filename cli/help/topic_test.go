package help_test

import (
	"strings"
	"testing"

	"apron/cli/help"
)

func TestTopics_HaveTheirPages(t *testing.T) {
	names := help.Topics()
	if got := strings.Join(names, " "); got != "topics config-vars return-codes s3-config s3-faq ddb-expressions" {
		t.Errorf("the topics are %s", got)
	}
	contents := help.Topic("topics").Text(80, false)
	for _, name := range names {
		p := help.Topic(name)
		if p == nil || p.Summary == "" || len(p.Sections) == 0 || p.Sections[0].Heading != "NAME" {
			t.Errorf("%s is %+v", name, p)
		}
		if name != "topics" && !strings.Contains(contents, "       o "+name+": ") {
			t.Errorf("%s is not listed", name)
		}
	}
	if p := help.Topic("no-such"); p != nil {
		t.Errorf("no-such has a page: %+v", p)
	}
}

func TestTopic_KeepsListsAndLiterals(t *testing.T) {
	text := help.Topic("config-vars").Text(80, false)
	for _, want := range []string{
		"\nNAME\n       AWS CLI Configuration Variables -\n\n       What an option",
		"\n       o the option on the command line\n\n       o the",
		"\n          [default]\n          region = us-east-1\n          output = json\n\n          [profile testing]\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}
