package argparse_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"apron/cli/argparse"
	"apron/cli/clitest"
	"apron/cli/document"
)

// script has the AWS CLI's parser read each line by each parser.
const script = `
import json, sys
from awscli.argparser import CLIArgParser, ArgParseException, USAGE, CommandAction
actions = [None, 'store_true', 'store_false', 'version']
nargs = [None, '?', '*', '+']
def build(spec):
    p = CLIArgParser(prog='aws', usage=USAGE, add_help=False, conflict_handler='resolve')
    for a in spec or []:
        kw = {}
        if a['Name'].startswith('--') and a['Dest']: kw['dest'] = a['Dest']
        if a['Action'] == 3: kw = {'action': 'version', 'version': '1', **kw}
        elif a['Action']: kw.update(action=actions[a['Action']], default=a['Default'])
        else:
            kw.update(default=a['Default'], type=int if a['Type'] else str)
            if a['NArgs']: kw['nargs'] = nargs[a['NArgs']]
            if a['Const'] is not None: kw['const'] = a['Const']
            if a['Choices'] is not None: kw['choices'] = a['Choices']
            if a['Required']: kw['required'] = True
        p.add_argument(a['Name'], **kw)
    return p
def ask(spec, line):
    try:
        values, extras = build(spec).parse_known_args(line)
    except ArgParseException as e:
        return str(e)
    except SystemExit:
        return 'version'
    return json.dumps([{k: v for k, v in vars(values).items() if k != 'version'}, extras])
sys.stdout = sys.stderr
out = [[ask(c['Args'], line) for line in c['Lines']] for c in json.load(sys.stdin)]
json.dump(out, sys.__stdout__)
`

// parsers and lines are one case: arguments as they were added, and command lines.
type parser struct {
	Args  []argparse.Argument
	Lines [][]string
}

func (p parser) read(line []string) string {
	r := &argparse.Parser{Prog: "aws", Usage: argparse.Usage("aws")}
	for _, a := range p.Args {
		r.Add(a)
	}
	values, extras, err := r.Parse(line)
	if errors.Is(err, argparse.ErrVersion) {
		return "version"
	}
	if err != nil {
		return err.Error()
	}
	values.Delete("version")
	list := []any{}
	for _, e := range extras {
		list = append(list, e)
	}
	return document.JSON([]any{values, list}, 0, true)
}

// compare has Python and this package read the same.
func compare(t *testing.T, parsers []parser) {
	t.Helper()
	var want [][]string
	clitest.Python(t, script, parsers, &want)
	for i, p := range parsers {
		for j, line := range p.Lines {
			if got := p.read(line); got != want[i][j] {
				t.Errorf("%q by %+v:\n got %s\nwant %s", line, p.Args, got, want[i][j])
			}
		}
	}
}

// global, service and operation are parsers as the AWS CLI has them for its three levels.
var (
	global = []argparse.Argument{
		{Name: "--debug", Action: argparse.StoreTrue, Default: false},
		{Name: "--endpoint-url"},
		{Name: "--no-verify-ssl", Dest: "verify_ssl", Action: argparse.StoreFalse, Default: true},
		{Name: "--no-paginate", Dest: "paginate", Action: argparse.StoreFalse, Default: true},
		{Name: "--output", Choices: []string{"json", "text", "table", "yaml", "yaml-stream"}},
		{Name: "--query"},
		{Name: "--region"},
		{Name: "--version", Action: argparse.Version},
		{Name: "--color", Choices: []string{"on", "off", "auto"}, Default: "auto"},
		{Name: "--cli-read-timeout", Dest: "read_timeout"},
		{Name: "--version", Action: argparse.Version},
		{Name: "command", Choices: []string{"apprunner", "apptest", "appstream", "ec2", "help"}},
	}
	service = []argparse.Argument{
		{Name: "operation", Choices: []string{"pause-service", "resume-service", "list-services", "help"}},
	}
	operation = []argparse.Argument{
		{Name: "--service-arn", Required: true},
		{Name: "--service-name", Required: true},
		{Name: "--tags", NArgs: argparse.Many},
		{Name: "--latest-only", Dest: "latest_only", Action: argparse.StoreTrue},
		{Name: "--no-latest-only", Dest: "latest_only", Action: argparse.StoreFalse},
		{Name: "--max-items", Type: argparse.Int},
		{Name: "--generate-cli-skeleton", NArgs: argparse.Optional, Const: "input", Choices: []string{"input", "output", "yaml-input"}},
		{Name: "help", NArgs: argparse.Optional},
	}
)

var lines = []string{
	"", "help", "apprunner", "apprunner help", "appruner", "apprunne", "zzz", "apprunner pause-service --service-arn x",
	"--region", "--region us apprunner", "--region=us apprunner", "--region= apprunner", "--region -- apprunner", "--region=-- apprunner",
	"--reg x apprunner", "--no apprunner", "--no-p apprunner", "--output xml apprunner", "--output yml apprunner", "--version", "apprunner --ver",
	"--debug=1 apprunner", "--debug x apprunner", "--cli-read-timeout -5 ec2", "--cli-read-timeout -5.5 ec2", "--cli-read-timeout -a ec2",
	"-x ec2", "- ec2", "-- ec2", "ec2 -- x --region y", "ec2 --region a --region b", "--=x ec2", "ec2 extra words --color on more",
	"pause-service", "pause-servise", "pause", "list-services --service-arn x help",
	"--service-arn x --service-name y", "--service x", "--service-a x --service-n y", "--service-arn x", "--service-name=a=b --service-arn=",
	"--service-arn x --service-name y --tags", "--service-arn x --service-name y --tags a b c --latest-only --no-latest-only",
	"--service-arn x --service-name y --tags a -- b", "--service-arn x --service-name y --tags a -1 -x", "--service-arn x --service-name y help more",
	"help --service-arn x --service-name y", "a --service-arn x --service-name y b c", "--service-arn x --service-name y --max-items 5",
	"--service-arn x --service-name y --max-items five", "--service-arn x --service-name y --max-items=1_000", "--max-items=+٣ --latest",
	"--service-arn x --service-name y --generate-cli-skeleton", "--service-arn x --service-name y --generate-cli-skeleton yaml-input",
	"--service-arn x --service-name y --generate-cli-skeleton outputs", "--generate-cli-skeleton=", "--generate-cli-skeleton=--", "--latest-only=true",
}

func TestParse_AgreesOnWhatPeopleType(t *testing.T) {
	var fields [][]string
	for _, line := range lines {
		fields = append(fields, append([]string{}, strings.Fields(line)...))
	}
	fields = append(fields, []string{"--service-arn", "-a b", "--service-name", "-5\n"}, []string{"--region", "", "ec2"}, []string{"-a b"}, []string{"--a b"})
	compare(t, []parser{{global, fields}, {service, fields}, {operation, fields}})
}

// TestParse_AgreesOnGeneratedLines makes up parsers and lines.
func TestParse_AgreesOnGeneratedLines(t *testing.T) {
	for _, seed := range clitest.Seeds(t) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			g := generator{rand.New(rand.NewPCG(seed, 0))}
			var parsers []parser
			for range 200 {
				parsers = append(parsers, g.parser())
			}
			compare(t, parsers)
		})
	}
}

type generator struct{ *rand.Rand }

func (g generator) pick(from ...string) string { return from[g.IntN(len(from))] }

func (g generator) parser() (p parser) {
	for range g.IntN(7) {
		p.Args = append(p.Args, g.option())
	}
	for i := range g.IntN(3) {
		p.Args = append(p.Args, argparse.Argument{Name: fmt.Sprintf("word%d", i), NArgs: argparse.NArgs(g.IntN(4)), Type: argparse.Type(g.IntN(6) / 5)})
	}
	for i := range p.Args {
		if a := &p.Args[i]; !a.Option() && a.NArgs == argparse.One && g.IntN(2) == 0 {
			a.Type, a.Choices = argparse.String, g.choices()
		}
	}
	for range 12 {
		p.Lines = append(p.Lines, g.line())
	}
	return p
}

func (g generator) option() argparse.Argument {
	a := argparse.Argument{Name: "--" + g.pick("service", "service-arn", "service-name", "no-paginate", "no-sign", "tags", "t", "region", "max-items")}
	switch g.IntN(5) {
	case 0:
		a.Action, a.Default = argparse.StoreTrue, false
	case 1:
		a.Action, a.Dest = argparse.StoreFalse, "paginate"
	case 2:
		a.Type, a.Required = argparse.Int, g.IntN(2) == 0
	case 3:
		a.Default = g.pick("auto", "a")
	case 4:
		a.NArgs, a.Required = argparse.NArgs(g.IntN(4)), g.IntN(2) == 0
	}
	if a.Action == argparse.Store && a.Type == argparse.String && g.IntN(3) == 0 {
		a.Choices = append(g.choices(), "auto", "a")
	}
	if a.NArgs == argparse.Optional {
		a.Const = "a"
	}
	return a
}

func (g generator) choices() []string {
	list := []string{}
	for range g.IntN(6) {
		list = append(list, g.word())
	}
	return list
}

func (g generator) word() string {
	word := g.pick("pause", "resume", "list", "start") + g.pick("-", "") + g.pick("service", "services", "deployment", "operations")
	for range g.IntN(3) {
		at := g.IntN(len(word))
		word = word[:at] + g.pick("", "x", "s") + word[at+g.IntN(2):]
	}
	return word
}

func (g generator) line() []string {
	line := []string{}
	for range g.IntN(8) {
		switch g.IntN(4) {
		case 0:
			line = append(line, g.option().Name)
		case 1:
			line = append(line, g.option().Name+"="+g.pick("", "a", "5", "--", "=x", "auto"))
		case 2:
			name := g.option().Name
			line = append(line, name[:2+g.IntN(len(name)-2)])
		default:
			line = append(line, g.pick("--", "-", "", "-x", "-5", "-.5", "-5.", "a", "auto", "12", " 7 ", "a b", "-a b", "--a b", "é", g.word()))
		}
	}
	return line
}

func TestArgument_IsFoundAndReplaced(t *testing.T) {
	p := &argparse.Parser{}
	p.Add(argparse.Argument{Name: "--a", Default: "old"})
	p.Add(argparse.Argument{Name: "--b"})
	p.Add(argparse.Argument{Name: "--a", Default: "new"})
	if p.Argument("--nowhere") != nil || p.Argument("--a").Default != "new" {
		t.Error("an argument was found that is not there, or the one that was replaced")
	}
	values, _, err := p.Parse(nil)
	if err != nil || !slices.Equal(values.Keys(), []string{"b", "a"}) {
		t.Errorf("got %v, %v", values, err)
	}
}

func FuzzParse(f *testing.F) {
	for _, line := range lines {
		f.Add(strings.ReplaceAll(line, " ", "\x00"))
	}
	f.Fuzz(func(t *testing.T, line string) {
		for _, args := range [][]argparse.Argument{global, service, operation} {
			parser{Args: args}.read(strings.Split(line, "\x00"))
		}
	})
}

func TestArgument_MayHaveChoicesThatAreNotListed(t *testing.T) {
	p := argparse.Parser{Prog: "aws"}
	p.Add(argparse.Argument{Name: "command", Choices: []string{"s3"}, Unlisted: []string{"apron"}})
	if v, _, err := p.Parse([]string{"apron"}); err != nil || document.Repr(v) != "{'command': 'apron'}" {
		t.Errorf("got %v, %v", v, err)
	}
	if _, _, err := p.Parse([]string{"apro"}); err == nil || strings.Contains(err.Error(), "apron") {
		t.Errorf("the error names what is not listed: %v", err)
	}
}

func TestParser_KnowsDefaults(t *testing.T) {
	p := argparse.Parser{}
	p.Add(argparse.Argument{Name: "--no-paginate", Dest: "paginate", Action: argparse.StoreFalse, Default: true})
	if got := p.Default("paginate"); got != true {
		t.Errorf("got %v", got)
	}
	if got := p.Default("nothing"); got != nil {
		t.Errorf("got %v", got)
	}
}
