package prompt_test

import (
	"testing"

	"apron/cli/clitest"
	"apron/cli/prompt"
)

// modes has AWS's own driver of prompts choose.
const modes = `
import json, sys
from awscli.autoprompt.core import AutoPromptDriver
class Session:
    def get_config_variable(self, name):
        return self.value
class Driver:
    session = Session()
def choose(args, setting):
    Driver.session.value = setting
    try:
        return AutoPromptDriver(Driver, completion_source=1).resolve_mode(args)
    except Exception as e:
        return str(e)
print(json.dumps([choose(g['Args'], g['Setting']) for g in json.load(sys.stdin)]))
`

func TestChoose_AgreesWithAWS(t *testing.T) {
	type given struct {
		Args    []string
		Setting string
	}
	var all []given
	for _, setting := range []string{"off", "on", "ON", "on-partial", "On-Partial"} {
		for _, args := range [][]string{
			{}, {"apprunner"}, {"--cli-auto-prompt"}, {"apprunner", "--no-cli-auto-prompt"}, {"apprunner", "help"}, {"--version"}, {"--version", "--cli-auto-prompt"},
			{"help", "--cli-auto-prompt"}, {"--cli-auto-prompt", "x", "--no-cli-auto-prompt"}, {"help", "--cli-auto-prompt", "--no-cli-auto-prompt"}, {"configure"}, {"--query", "help"},
			{"--cli-auto-prompt=x"}, {"--cli-auto"}, {"--help"},
		} {
			all = append(all, given{args, setting})
		}
	}
	var want []string
	clitest.Python(t, modes, all, &want)
	for i, g := range all {
		mode, err := prompt.Choose(g.Args, g.Setting)
		got := string(mode)
		if err != nil {
			got = err.Error()
		}
		if got != want[i] {
			t.Errorf("%q with setting %s is %s, want %s", g.Args, g.Setting, got, want[i])
		}
	}
	if mode, err := prompt.Choose(nil, "sometimes"); mode != prompt.Off || err != nil {
		t.Errorf("a setting that is none is %s, %v", mode, err)
	}
}
