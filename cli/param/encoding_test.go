package param_test

import (
	"os"
	"path/filepath"
	"testing"

	"apron/cli/clitest"
	"apron/cli/param"
)

// readers has the AWS CLI read a file in one encoding after the other.
const readers = `
import json, os, sys
from awscli.paramfile import get_paramfile, LOCAL_PREFIX_MAP
answers = []
for encoding, path in json.load(sys.stdin):
    os.environ['AWS_CLI_FILE_ENCODING'] = encoding
    try:
        answers.append(get_paramfile('file://' + path, LOCAL_PREFIX_MAP))
    except (LookupError, UnicodeError) as e:
        answers.append(str(e))
    except Exception as e:
        answers.append("Error parsing parameter '--x': " + str(e))
print(json.dumps(answers))
`

func TestLoad_ReadsTheEncodingOfTheEnvironment(t *testing.T) {
	dir := t.TempDir()
	var questions [][2]string
	for name, content := range map[string]string{
		"ascii": "a\r\nb", "utf8": "\xef\xbb\xbf\xc3\xa9", "byte": "\xe9", "wide": "\xff\xfea\x00", "wideBig": "\xfe\xff\x00a", "wideBare": "a\x00", "empty": "",
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, encoding := range []string{
			"UTF-8", "utf8", "utf-8-sig", "latin-1", "latin1", "ISO-8859-1", "iso8859-1", "iso_8859_15", "ascii", "US-ASCII", "cp1252", "windows-1252", "koi8-r", "cp437",
			"utf-16", "utf_16_le", "UTF-16BE", "shift_jis", "euc-jp", "gbk", "nonsense", "",
		} {
			questions = append(questions, [2]string{encoding, path})
		}
	}
	var want []string
	clitest.Python(t, readers, questions, &want)
	for i, q := range questions {
		t.Setenv("AWS_CLI_FILE_ENCODING", q[0])
		got, err := param.Load("x", "file://"+q[1])
		if err != nil {
			got = err.Error()
		}
		if got != want[i] {
			t.Errorf("%s in %s: got %q, want %q", filepath.Base(q[1]), q[0], got, want[i])
		}
	}
}
