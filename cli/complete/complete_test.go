package complete_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"apron/api"
	"apron/cli/clitest"
	"apron/cli/complete"
	"apron/cli/model"
)

func service(t testing.TB) *model.Service {
	t.Helper()
	s, err := model.Read("apprunner", api.Model)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func words(all []complete.Suggestion) []string {
	words := []string{}
	for _, s := range all {
		words = append(words, s.Word)
	}
	return words
}

// completions has AWS's own prompt complete lines, without the operations that Debian's is too old to know and the services
// that apron lacks.
const completions = `
import json, sys
from awscli.clidriver import create_clidriver
from awscli.autocomplete.main import create_autocompleter
from awscli.autocomplete.filters import fuzzy_filter
shell, prompt = create_autocompleter(), create_autocompleter(driver=create_clidriver(['aws']), response_filter=fuzzy_filter)
def ask(completer, line):
    return [[c.name, c.display_text or c.name, bool(c.required), c.cli_type_name]
            for c in completer.autocomplete('aws ' + line) or []]
print(json.dumps([{'Prompt': ask(prompt, l), 'Shell': ask(shell, l)} for l in json.load(sys.stdin)]))
`

// newer are the operations that Debian's CLI lacks.
var newer = []string{"list-services-for-auto-scaling-configuration", "update-default-auto-scaling-configuration"}

var lines = []string{
	"apprunner ", "apprunner p", "apprunner ps", "apprunner PAUSE", "apprunner nothing", "apprunner --", "apprunner --reg", "--", "--out",
	"apprunner pause-service ", "apprunner pause-service --", "apprunner pause-service --s", "apprunner pause-service --ser", "apprunner pause-service -", "apprunner pause-service --zzz",
	"apprunner pause-service x --", "apprunner pause-service x ", "apprunner foo bar", "apprunner foo ", "apprunner foo --", "foo --",
	"apprunner pause-service --service-arn x ", "apprunner pause-service --service-arn x --", "apprunner --region x pause-service --q",
	"apprunner pause-service --no-verify-ssl ", "apprunner pause-service --no-verify-ssl --qu", "apprunner pause-service --debug --output json --",
	"apprunner create-vpc-connector --subnets a b ", "apprunner create-vpc-connector --subnets a b --", "apprunner create-vpc-connector --subnets ",
	"apprunner associate-custom-domain --enable", "apprunner associate-custom-domain --no-enable-www-subdomain --",
	"apprunner create-service --", "apprunner list-connections --", "apprunner untag-resource ", "apprunner describe-custom-domains --",
	"apprunner create-service --tags Key=a,Value=b --", "apprunner create-service --service-name x --source-configuration y --",
	"apprunner create-service --source-configuration file:///et", "apprunner create-service --source-configuration file:///etc/pass", "apprunner create-service --source-configuration file:///etc/apt/",
	"apprunner create-service --source-configuration fileb:///etc/apt/s", "apprunner pause-service --service-arn file:///no/such/",
}

// prompted are completed by AWS's prompt alone; its completion of shells knows nothing of values.
var prompted = []string{
	"--output t", "--output ", "apprunner pause-service --output ", "apprunner pause-service --color ", "apprunner pause-service --cli-binary-format ", "apprunner pause-service --output json",
	"apprunner create-connection --provider-type gh",
	"apprunner create-service --source-configuration ", "apprunner create-service --source-configuration ImageR", "apprunner create-service --source-configuration ImageRepository=",
	"apprunner create-service --source-configuration ImageRepository={", "apprunner create-service --source-configuration ImageRepository={ImageRepositoryType=",
	"apprunner create-service --source-configuration ImageRepository={ImageRepositoryType=E", "apprunner create-service --source-configuration AutoDeploymentsEnabled=",
	"apprunner create-service --source-configuration ImageRepository={ImageIdentifier=x,", "apprunner create-service --source-configuration ImageRepository={ImageIdentifier=x},",
	"apprunner create-service --source-configuration ImageRepository={ImageIdentifier=x,ImageConfiguration={Port=1,", "apprunner create-service --source-configuration AutoDeploymentsEnabled=t",
	"apprunner create-service --source-configuration CodeRepository={CodeConfiguration={CodeConfigurationValues={Run", "apprunner create-service --source-configuration NoSuch=", "apprunner create-service --source-configuration x,",
	"apprunner create-service --tags ", "apprunner create-service --tags K", "apprunner create-service --tags Key=a,", "apprunner create-service --tags Key=a,Value=b ", "apprunner create-service --tags Key=a,Value=b V",
	"apprunner create-service --network-configuration EgressConfiguration={EgressType=", "apprunner create-service --health-check-configuration Protocol=", "apprunner create-service --health-check-configuration Protocol=h,",
	"apprunner create-service --network-configuration IngressConfiguration={IsPubliclyAccessible=f",
	"apprunner list-services --query ", "apprunner list-services --query Serv", "apprunner list-services --query ServiceSummaryList[0].", "apprunner list-services --query ServiceSummaryList[].Se",
	"apprunner list-services --query ServiceSummaryList.", "apprunner list-services --query NoSuch.", "apprunner pause-service --query Service.Sou", "apprunner pause-service --query Service.SourceConfiguration.ImageRepository.",
	"apprunner describe-service --query Service.NetworkConfiguration.Eg", "apprunner describe-custom-domains --query CustomDomains[0].CertificateValidationRecords[0].",
}

func TestComplete_SuggestsWhatAWSDoes(t *testing.T) {
	all := append(slices.Clone(lines), prompted...)
	var want []struct{ Prompt, Shell [][]any }
	clitest.Python(t, completions, all, &want)
	s := service(t)
	s.Operations = slices.DeleteFunc(s.Operations, func(o *model.Operation) bool { return slices.Contains(newer, o.CLIName) })
	prompt := complete.Completer{Services: []*model.Service{s}, Match: complete.Fuzzy}
	shell := complete.Completer{Services: []*model.Service{s}}
	for i, line := range all {
		compare(t, "prompt", line, prompt.Complete(t.Context(), line), want[i].Prompt)
		if i < len(lines) {
			compare(t, "shell", line, shell.Complete(t.Context(), line), want[i].Shell)
		}
	}
}

func compare(t *testing.T, who, line string, got []complete.Suggestion, want [][]any) {
	t.Helper()
	var ours, theirs []string
	for _, s := range got {
		ours = append(ours, strings.Join([]string{s.Word, s.Label(), map[bool]string{true: "required"}[s.Required]}, " "))
	}
	for _, w := range want {
		theirs = append(theirs, strings.Join([]string{w[0].(string), w[1].(string), map[bool]string{true: "required"}[w[2].(bool)]}, " "))
	}
	if strings.Contains(line, "file") {
		slices.Sort(ours) // AWS's leaves them as the directory has them
		slices.Sort(theirs)
	}
	if !slices.Equal(ours, theirs) {
		t.Errorf("%s %q:\n got %q\nwant %q", who, line, ours, theirs)
	}
}

// TestComplete_SaysMore has what AWS's leaves open.
func TestComplete_SaysMore(t *testing.T) {
	c := complete.Completer{
		Services: []*model.Service{service(t)}, Match: complete.Fuzzy,
		Profiles: func() []string { return []string{"default", "work"} },
	}
	for line, want := range map[string][]string{
		"": {"apprunner"}, "appr": {"apprunner"}, "--debug appr": {"apprunner"}, "apprunner": {"apprunner"}, "apprunner pause-service": {"pause-service"},
		"apprunner list-services":                             {"list-services", "list-services-for-auto-scaling-configuration"},
		"apprunner pause-service --service-arn":               {"--service-arn"},
		"apprunner pause-service --output=t":                  {"table", "text", "yaml-stream"},
		"apprunner pause-service --debug=t":                   {},
		"apprunner pause-service --region eu-c":               {"eu-central-1"},
		"--profile w":                                         {"work"},
		"apprunner pause-service --generate-cli-skeleton y":   {"yaml-input"},
		"apprunner pause-service --generate-cli-skeleton --o": {"--output"},
		"apprunner pause-service --service-arn file://~":      {"file://~/"},
		"apprunner pause-service --query 'Service.ServiceNam": {"Service.ServiceName"},
		"apprunner pause-service --query 'a b' --deb":         {"--debug"},
	} {
		got := words(c.Complete(t.Context(), line))
		if strings.HasSuffix(line, "--o") {
			got, want = got[:1], want[:1]
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
	}
}

// TestComplete_ReplacesTheLastWord puts each first suggestion into its line.
func TestComplete_ReplacesTheLastWord(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"a file.json", "it's"} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := complete.Completer{Services: []*model.Service{service(t)}}
	for line, want := range map[string]string{
		"appr": "apprunner", "apprunner pau": "apprunner pause-service", "apprunner  pause-service  --ou": "apprunner  pause-service  --output",
		"--output=te": "--output=text",
		`apprunner pause-service --query "Service.Stat`:   `apprunner pause-service --query "Service.Status`,
		`apprunner pause-service --query='Service.Stat`:   `apprunner pause-service --query='Service.Status`,
		`apprunner pause-service --service-arn file://a`:  `apprunner pause-service --service-arn 'file://a file.json'`,
		`apprunner pause-service --service-arn file://i`:  `apprunner pause-service --service-arn 'file://it'"'"'s'`,
		`apprunner pause-service --service-arn "file://i`: `apprunner pause-service --service-arn "file://it's`,
	} {
		all := c.Complete(t.Context(), line)
		if len(all) == 0 {
			t.Errorf("%q: no suggestion", line)
		} else if got := line[:all[0].Start] + all[0].Text; got != want {
			t.Errorf("%q became %q, want %q", line, got, want)
		}
	}
}

func TestPath_NamesTheCommand(t *testing.T) {
	c := complete.Completer{Services: []*model.Service{service(t)}}
	for line, want := range map[string]string{
		"": "", "appr": "", "apprunner": "apprunner", "apprunner pau": "apprunner", "--region x apprunner pause-service": "apprunner pause-service",
		"apprunner pause-service --service-arn 'a b": "apprunner pause-service",
	} {
		if got := strings.Join(c.Path(line), " "); got != want {
			t.Errorf("%q is of %q, want %q", line, got, want)
		}
	}
}

func TestRequiredFirst_KeepsTheOrder(t *testing.T) {
	all := []complete.Suggestion{{Word: "a"}, {Word: "b", Required: true}, {Word: "c"}, {Word: "d", Required: true}}
	if got := words(complete.RequiredFirst(all)); !slices.Equal(got, []string{"b", "d", "a", "c"}) {
		t.Errorf("got %q", got)
	}
}
