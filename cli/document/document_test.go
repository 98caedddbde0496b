package document

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// texts are what Python's json reads and refuses; the tests below ask Python itself.
var texts = []string{
	`{}`, `[]`, `null`, `true`, `"a"`, `1`, `-0`, `1.5`, `1e3`, `1E-7`, `123456789012345678901234567890`, `NaN`, `-Infinity`, `1e999`,
	`{"b":1,"a":[1,2,{"c":null}],"b":2}`, `"é\u00e9\ud83d\ude00\n\t\"\\\/"`, `  [1 , 2 ]  `, `0.00001`, `1e16`, `123456789.0`, `-1.5e-10`,
	`"\ud83d"`, `"a\ud83dude00"`, `"\ude00\ud83d\ud83d\ude00"`, `"\udc80\udfff\ufffd"`, `{"\ud83d":"\ud83d\u0041"}`, `"\ud83d\u"`,
	`'a"b'`, `"it's"`, `"it's \"both\""`, `"\u0001\u007f\u0080\u2028"`,
	``, ` `, `{bad`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{"a" 1}`, `[1,]`, `[1 2]`, `[`, `"abc`, `"a\`, `"a\x"`, `"a\u12"`, `1 2`,
	strings.Repeat("[", 900) + strings.Repeat("]", 900), strings.Repeat("[", 5000), strings.Repeat(`{"a":`, 5000),
	"{\n \"a\": 1,\n b}", "\"a\nb\"", `tru`, `-`, `1.`, `1.e`, `01`, `é`, `["é" x]`, `+1`, `{"a":1}}`, "\ufeff{}",
}

const ask = `
import base64, json, sys
from collections import OrderedDict
out = []
for t in json.load(sys.stdin):
    try:
        v = json.loads(t)
        ordered = json.loads(t, object_pairs_hook=OrderedDict)
        out.append([json.dumps(v), json.dumps(v, indent=4, ensure_ascii=False), repr(v), type(v).__name__, repr(ordered), str(type(ordered))])
    except (ValueError, RecursionError) as e:
        out.append([str(e)])
wtf8 = lambda s: base64.b64encode(s.encode('utf-8', 'surrogatepass')).decode()
print(json.dumps([[wtf8(s) for s in view] for view in out]))`

// TestParse_AgreesWithPython holds reading, both ways of writing, repr and the texts of errors against Python.
func TestParse_AgreesWithPython(t *testing.T) {
	in, err := json.Marshal(texts)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("python3", "-c", ask)
	cmd.Stdin = strings.NewReader(string(in))
	cmd.Env = append(cmd.Environ(), "PYTHONIOENCODING=utf-8")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("python3, which the aws CLI needs too: %v", err)
	}
	var want [][][]byte
	if err := json.Unmarshal(out, &want); err != nil {
		t.Fatal(err)
	}
	for i, text := range texts {
		same := func(got string, want []byte) bool { return got == string(want) }
		if got := views(text); !slices.EqualFunc(got, want[i], same) {
			t.Errorf("%q:\n got %q\nwant %q", text, got, want[i])
		}
	}
}

func views(text string) []string {
	v, err := Parse(text)
	if err != nil {
		return []string{err.Error()}
	}
	ordered, err := ParseOrdered(text)
	if err != nil {
		return []string{err.Error()}
	}
	return []string{JSON(v, 0, true), JSON(v, 4, false), Repr(v), Type(v), Repr(ordered), "<class '" + Type(ordered) + "'>"}
}

func TestMap_KeepsOrder(t *testing.T) {
	m := NewMap("b", int64(1), "a", nil)
	m.Set("c", "x")
	m.Set("b", true)
	m.Delete("a")
	m.Delete("nowhere")
	if got := Repr(m); got != "{'b': True, 'c': 'x'}" {
		t.Errorf("got %s", got)
	}
	if _, ok := m.Get("a"); ok || m.Len() != 2 {
		t.Errorf("a deleted member is still there: %v", m.Keys())
	}
}

func TestForeign_IsNamed(t *testing.T) {
	day := Foreign{Class: "datetime.date", Repr: "datetime.date(2024, 1, 31)", Text: "2024-01-31"}
	m := NewMap("day", day)
	m.SetKey(int64(8080), "x")
	m.SetKey("text", nil)
	m.SetKey(day, true)
	if got, want := Repr(m), "{'day': datetime.date(2024, 1, 31), 8080: 'x', 'text': None, datetime.date(2024, 1, 31): True}"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if m.Key("8080") != int64(8080) || m.Key("text") != "text" || Type(m.Key("2024-01-31")) != "datetime.date" || Str(day) != "2024-01-31" {
		t.Errorf("the keys are %#v", m)
	}
	if got, want := JSON(m, 0, true), `{"day": "2024-01-31", "8080": "x", "text": null, "2024-01-31": true}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	m.SetKey("8080", "y")
	m.Delete("2024-01-31")
	if m.Key("8080") != "8080" || m.Key("2024-01-31") != "2024-01-31" {
		t.Errorf("a key that is replaced or gone is still foreign: %#v", m)
	}
}
