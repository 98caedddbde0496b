package help_test

import (
	"slices"
	"testing"

	"apron/cli/clitest"
	"apron/cli/help"
)

func TestServices_AreThoseOfTheUsageError(t *testing.T) {
	const table = `
import json
from awscli.clidriver import create_clidriver
print(json.dumps(list(create_clidriver()._get_command_table()) + ['help']))
`
	var want []string
	clitest.Python(t, table, nil, &want)
	if got := help.Services(); !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}
