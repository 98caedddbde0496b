package document

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
)

// TestInt_AgreesWithPython asks Python's int() what each text is.
func TestInt_AgreesWithPython(t *testing.T) {
	texts := []string{
		"5", " 5\n", "+5", "-5", "- 5", "", " ", "5.5", "1_000", "1__0", "_1", "1_", "+_1", "٣", "१२", "𝟗", "0x10", "007", "\x1c7", "\u20037\u0085", "five", "é'\"",
		"123456789012345678901234567890", strings.Repeat("9", 4300), strings.Repeat("9", 4301), strings.Repeat("x", 300), "+", "--5", "5-",
	}
	in, err := json.Marshal(texts)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/usr/bin/python3", "-c", `
import json, sys
def ask(t):
    try:
        return str(int(t))
    except ValueError as e:
        return str(e)
print(json.dumps([ask(t) for t in json.load(sys.stdin)]))`)
	cmd.Stdin = strings.NewReader(string(in))
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("python3, which the aws CLI needs too: %v", err)
	}
	var want []string
	if err := json.Unmarshal(out, &want); err != nil {
		t.Fatal(err)
	}
	for i, text := range texts {
		n, err := Int(text)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = Repr(n)
		}
		if got != want[i] {
			t.Errorf("%q:\n got %s\nwant %s", text, got, want[i])
		}
	}
}

func TestRepr_WritesBytes(t *testing.T) {
	for text, want := range map[string]string{"a": "b'a'", "": "b''", "it's": `b"it's"`, "'\"\\": `b'\'"\\'`, "\n\x00\x7f\xc3\xa9": `b'\n\x00\x7f\xc3\xa9'`} {
		if got := Repr(Bytes(text)); got != want || Type(Bytes(text)) != "bytes" {
			t.Errorf("%q became %s of type %s, want %s", text, got, Type(Bytes(text)), want)
		}
	}
}
