package globals_test

import (
	"reflect"
	"testing"

	"apron/cli/clitest"
	"apron/cli/globals"
)

// ask prints AWS's own table in the form of ours, the defaults as its parser has them.
const ask = `
import json
from awscli.clidriver import create_clidriver
driver = create_clidriver()
table = driver._get_argument_table()
parser = driver.create_parser(driver._get_command_table())
parsed = {o: a for a in parser._actions for o in a.option_strings}
kinds = {'_StoreAction': 0, '_StoreTrueAction': 1, '_StoreFalseAction': 2, '_VersionAction': 3}
out = []
for name, a in table.items():
    p = parsed[a.cli_name]
    kind = kinds[type(p).__name__]
    out.append({'Name': name, 'Dest': p.dest, 'Action': kind, 'Type': a.cli_type_name,
                'Choices': p.choices or None, 'Default': p.default if kind == 0 and p.default else ''})
print(json.dumps(out))
`

func TestOptions_AreThoseOfAWS(t *testing.T) {
	var want []globals.Option
	clitest.Python(t, ask, nil, &want)
	got := globals.Options()
	if len(got) != len(want) {
		t.Fatalf("%d options, AWS has %d", len(got), len(want))
	}
	for i := range got {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("option %d is %+v, AWS's is %+v", i, got[i], want[i])
		}
	}
}

func TestFind(t *testing.T) {
	o, ok := globals.Find("cli-read-timeout")
	if !ok || o.Dest != "read_timeout" || o.Flag() != "--cli-read-timeout" || !o.TakesValue() {
		t.Errorf("got %+v, %v", o, ok)
	}
	if o, ok := globals.Find("version"); !ok || o.TakesValue() {
		t.Errorf("version is %+v, %v: it takes no value", o, ok)
	}
	if o, ok := globals.Find("no-such"); ok {
		t.Errorf("found %+v", o)
	}
}
