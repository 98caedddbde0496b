package document

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
)

// TestCharacters_ArePythons gives Python the bytes of texts as it gets arguments, and asks for its characters and for
// what its stderr shows.
func TestCharacters_ArePythons(t *testing.T) {
	texts := []string{"", "a", "é日😀", "\xff", "a\x80b", "\xc3", "\xe6\x97", "é\xc3\xa9\xc3", "\xf0\x9f\x98", "\xf4\x90\x80\x80", "\xc0\x80", "\ufffd\xef\xbf", "\xed", "\xed\x9f\xbf"}
	in, err := json.Marshal(asBytes(texts))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/usr/bin/python3", "-c", `
import base64, json, sys
texts = [base64.b64decode(t).decode('utf-8', 'surrogateescape') for t in json.load(sys.stdin)]
print(json.dumps([[[ord(c) for c in t], t.encode('utf-8', 'backslashreplace').decode()] for t in texts]))`)
	cmd.Stdin = strings.NewReader(string(in))
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("python3, which the aws CLI needs too: %v", err)
	}
	var want []json.RawMessage
	if err := json.Unmarshal(out, &want); err != nil {
		t.Fatal(err)
	}
	for i, text := range texts {
		got, err := json.Marshal([]any{append([]rune{}, Characters(text)...), Escaped(text)})
		if err != nil {
			t.Fatal(err)
		}
		if same, wanted := compacted(t, got), compacted(t, want[i]); same != wanted {
			t.Errorf("%q: got %s, want %s", text, same, wanted)
		}
	}
}

func asBytes(texts []string) [][]byte {
	var list [][]byte
	for _, t := range texts {
		list = append(list, []byte(t))
	}
	return list
}

// compacted is the JSON of text in one form.
func compacted(t *testing.T, text []byte) string {
	t.Helper()
	v, err := Parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return JSON(v, 0, true)
}

func TestText_HoldsHalvesOfPairs(t *testing.T) {
	for _, characters := range [][]rune{nil, {'a'}, {0xd800}, {0xdfff, 'é', 0xd83d, '😀'}, {0xde00, 0xd83d}, {0xd83d, 0xde00}} {
		if got := Characters(Text(characters...)); string(got) != string(characters) || len(got) != len(characters) {
			t.Errorf("%x became %x", characters, got)
		}
	}
	if got := Characters(Text(0xd83d, 0xde00)); got[0] != 0xd83d || got[1] != 0xde00 {
		t.Errorf("two halves became %x", got)
	}
}

func TestWellFormed_HasUTF8Alone(t *testing.T) {
	m := NewMap("a\xff", []any{Text(0xd83d, 'x'), int64(1)}, "b", NewMap("c", "é"))
	m.SetKey(int64(8080), nil)
	before := Repr(m)
	formed := WellFormed(m).(*Map)
	if got, want := Repr(formed), "{'a\ufffd': ['\ufffdx', 1], 'b': {'c': 'é'}, 8080: None}"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if Repr(m) != before {
		t.Errorf("what it was made of became %s", Repr(m))
	}
}
