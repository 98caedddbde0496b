package shorthand_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"apron/api"
	"apron/cli/clitest"
	"apron/cli/document"
	"apron/cli/model"
	"apron/cli/shorthand"
)

// kinds is a model with what App Runner's has none of: numbers in lists and maps, lists of lists, a shape in itself.
const kinds = `{"operations":{"Ask":{"input":"All","output":"All"}},"shapes":{
"All":{"type":"structure","members":{"I":{"shape":"Int"},"B":{"shape":"Bool"},"S":{"shape":"Text"},"Li":{"shape":"Ints"},
"Ll":{"shape":"IntLists"},"M":{"shape":"IntMap"},"Mb":{"shape":"BoolMap"},"One":{"shape":"One"},"Ls":{"shape":"Ones"},"Self":{"shape":"All"}}},
"Int":{"type":"integer"},"Bool":{"type":"boolean"},"Text":{"type":"string"},"Name":{"type":"string","enum":["A","B"]},
"Ints":{"type":"list","member":{"shape":"Int"}},"IntLists":{"type":"list","member":{"shape":"Ints"}},
"IntMap":{"type":"map","key":{"shape":"Name"},"value":{"shape":"Int"}},"BoolMap":{"type":"map","key":{"shape":"Text"},"value":{"shape":"Bool"}},
"One":{"type":"structure","members":{"Li":{"shape":"Ints"},"M":{"shape":"IntMap"}}},"Ones":{"type":"list","member":{"shape":"One"}}}}`

// script has the AWS CLI's classes read texts, fit them to shapes, and document the shapes.
const script = `
import json, sys
import awscli  # has a botocore of its own, which the next line finds
from botocore.model import ShapeResolver
from awscli.shorthand import ShorthandParser, BackCompatVisitor, ShorthandParseError
from awscli.argprocess import ParamShorthandDocGen
asked = json.load(sys.stdin)
resolvers = [ShapeResolver(json.loads(m)['shapes']) for m in asked['Models']]
class Argument:
    cli_name, name = '--x', 'x'
def read(c):
    shape = resolvers[c['Model']].get_shape_by_name(c['Shape'])
    try:
        if c['List']:
            v = [ShorthandParser().parse(t) for t in c['Texts']]
        else:
            v = ShorthandParser().parse(c['Texts'][0])
        BackCompatVisitor().visit(v, shape)
        return json.dumps(v)
    except ShorthandParseError as e:
        return 'shorthand: ' + str(e)
    except (ValueError, TypeError, AttributeError) as e:
        return 'python: ' + str(e)
def doc(s):
    docs, a = ParamShorthandDocGen(), Argument()
    a.argument_model = resolvers[s[0]].get_shape_by_name(s[1])
    return [docs.supports_shorthand(a.argument_model), docs.generate_shorthand_example(a, 'apprunner', 'x')]
json.dump({'Values': [read(c) for c in asked['Cases'] or []], 'Docs': [doc(s) for s in asked['Docs'] or []]}, sys.stdout)
`

type (
	question struct {
		Models []string
		Cases  []value
		Docs   [][]any
	}
	value struct {
		Model int
		Shape string
		List  bool
		Texts []string
	}
	answer struct {
		Values []string
		Docs   [][]any
	}
)

var models = []string{string(api.Model), kinds}

// shapes returns every shape that the inputs of a model reach, by name.
func shapes(t testing.TB, m int) map[string]*model.Shape {
	t.Helper()
	s, err := model.Read("x", []byte(models[m]))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]*model.Shape{}
	var walk func(*model.Shape)
	walk = func(s *model.Shape) {
		if s == nil || found[s.Name] != nil {
			return
		}
		found[s.Name] = s
		walk(s.Elem)
		for _, member := range s.Members {
			walk(member.Shape)
		}
	}
	for _, o := range s.Operations {
		walk(o.Input)
	}
	return found
}

func (v value) read(s *model.Shape) string {
	list := []any{}
	for _, text := range v.Texts {
		m, err := shorthand.Parser{}.Parse(text)
		if err != nil {
			return "shorthand: " + err.Error()
		}
		list = append(list, m)
	}
	var got any = list
	if !v.List {
		got = list[0]
	}
	if err := shorthand.Fit(got, s); err != nil {
		return "python: " + err.Error()
	}
	return document.JSON(got, 0, true)
}

func compare(t *testing.T, values []value) {
	t.Helper()
	var a answer
	clitest.Python(t, script, question{Models: models, Cases: values}, &a)
	known := []map[string]*model.Shape{shapes(t, 0), shapes(t, 1)}
	for i, v := range values {
		if got := v.read(known[v.Model][v.Shape]); got != a.Values[i] {
			t.Errorf("%q as %s:\n got %s\nwant %s", v.Texts, v.Shape, got, a.Values[i])
		}
	}
}

var texts = []string{
	"Key=a,Value=b", "Key=a, Value=b", "Key = a , Value = b", "Key=a b,Value=c d ", "Key=a,Value=", "Key=,Value=", "Key=a", "Key", "", " ", "=", "Key=a,",
	"Key=a,Key=b", "Key=a,\nKey=b\n,x=1", "Key=a,b,c", "Key=a,b,Value=c", "Key=a,b,Value", "Key=a=b", "Key==b", "Key=a\\,b", "Key=\\,", "Key=a\\", "Key=\\",
	"Key='a, b'", `Key="a, b"`, `Key='it\'s'`, `Key="say \"x\""`, `Key='a\\'`, `Key='a\'`, `Key='a`, `Key="a`, `Key='a'b`, `Key='a',b,'c'`, `Key='a' , "b" ,c`, `Key='\\\'',x=y`,
	`Key=''`, `Key="",Value=''`, "Key=[a,b]", "Key=[a, b ,c]", "Key=[a,b,]", "Key=[,]", "Key=[", "Key=[a", "Key=]", "Key=a]b", "Key=[a]b", "Key={a=b}", "Key={a=b,c=d}", "Key={ a = b , c = { d = [ 1 , 2 ] } }",
	"Key={a=b", "Key={a}", "Key={", "Key={}", "Key=[]", "Key={a=b,a=c}", "Key={a=}", "Key=[{a=1},{a=2}]", "Key=[[1,2],[3]]", "Key=a}b", "Key=a{b", "Key=a[b",
	"a\nb=c", "a=b\nc=d", "a=b,\nc", "a=b,\nc\nd", "ключ=a", "a=ключ,b=値", "a=𝟗", "a=b𝟗", "a=b,𝟗", "a=\x1c", "a=b\u00a0", "a=b\u2003,c=d", "a.b/c:d#e_f-g=h", "a=b;c=d", "a!=b", "[a]", "{a=b}",
	"I=1", "I= 1 ", "I=x", "I=1,2", "I={a=b}", "I=", "B=true", "B=FALSE", "B=yes", "B=", "B=[true]", "S=1,2", "Li=1", "Li=1,2", "Li=[1,2]", "Li=[1,x]", "Li=", "Ll=1,2", "Ll=[[1],2]", "M={A=1,B=x}", "M={A=1,B=2}", "M=1", "Mb={a=true,b=no}",
	"One={Li=1}", "Ls={Li=1}", "Ls=[{Li=1},{Li=[2,3]}]", "Self={Self={I=1,Li=2}}", "Self=1", "A=1,B=2", "A=1,B=x", "Li=5,M={A=1}",
	"Interval=5,Path=/", "ImageRepository={ImageIdentifier=a:b,ImageConfiguration={Port=80,RuntimeEnvironmentVariables={A=1,B=two}},ImageRepositoryType=ECR},AutoDeploymentsEnabled=false",
	"Subnets=a", "IsPubliclyAccessible=maybe", "EgressConfiguration={EgressType=VPC,VpcConnectorArn=x},IngressConfiguration={IsPubliclyAccessible=false}",
}

// tops are the shapes that the texts are read for.
var tops = []value{{Model: 1, Shape: "All"}, {Model: 1, Shape: "IntMap"}, {Model: 1, Shape: "Ones", List: true}, {Model: 1, Shape: "Ones"},
	{Shape: "TagList", List: true}, {Shape: "TagList"}, {Shape: "SourceConfiguration"}, {Shape: "HealthCheckConfiguration"}, {Shape: "NetworkConfiguration"}}

func TestParse_AgreesOnWhatPeopleType(t *testing.T) {
	var values []value
	for _, top := range tops {
		for i, text := range texts {
			top.Texts = []string{text}
			if top.List {
				top.Texts = append(top.Texts, texts[(i+1)%7])
			}
			values = append(values, top)
		}
	}
	compare(t, values)
}

// TestParse_AgreesOnGeneratedTexts makes up texts.
func TestParse_AgreesOnGeneratedTexts(t *testing.T) {
	for _, seed := range clitest.Seeds(t) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			g := generator{rand.New(rand.NewPCG(seed, 0))}
			var values []value
			for range 5000 {
				v := tops[g.IntN(len(tops))]
				v.Texts = []string{g.text()}
				values = append(values, v)
			}
			compare(t, values)
		})
	}
}

type generator struct{ *rand.Rand }

func (g generator) pick(from ...string) string { return from[g.IntN(len(from))] }

func (g generator) some(n int, one func() string) string {
	parts := make([]string, g.IntN(n))
	for i := range parts {
		parts[i] = one()
	}
	return strings.Join(parts, g.pick(",", ",", ",", " , ", ",\n"))
}

// text is mostly shorthand, with a few places changed.
func (g generator) text() string {
	text := []rune(g.some(4, func() string { return g.member(0) }))
	for range g.IntN(3) {
		at := g.IntN(len(text) + 1)
		text = append(text[:at:at], append([]rune(g.pick(strings.Split("= , [ ] { } ' \" \\ é \n \t a 1 \\, \\\\ \\' \U0001d7d7", " ")...)), text[min(len(text), at+g.IntN(2)):]...)...)
	}
	return string(text)
}

func (g generator) member(depth int) string {
	key := g.pick("Key", "Value", "I", "B", "S", "Li", "Ll", "M", "One", "Ls", "Self", "A", "Interval", "ImageRepository", "IngressConfiguration", "IsPubliclyAccessible")
	if depth == 0 && g.IntN(3) == 0 {
		return key + "=" + g.some(4, g.word)
	}
	return key + g.pick("=", "=", " = ") + g.value(depth)
}

func (g generator) value(depth int) string {
	if kind := g.IntN(3 + depth); kind == 0 {
		return "[" + g.some(4, func() string { return g.value(depth + 1) }) + "]"
	} else if kind == 1 {
		return "{" + g.some(4, func() string { return g.member(depth + 1) }) + "}"
	}
	return g.word()
}

func (g generator) word() string {
	return g.pick("", "a", "b c", "1", "-7", "true", "False", "x=y", "'q, r'", `"q\"r"`, `'\\'`, `a\,b`, "ж", "a]", "b}", "\u00a0")
}

func TestParse_LoadsFilesWhereAsked(t *testing.T) {
	p := shorthand.Parser{Load: func(v string) (any, bool, error) {
		if v == "bad" {
			return nil, false, fmt.Errorf("no such file")
		}
		return "<" + v + ">", v != "plain", nil
	}}
	for text, want := range map[string]string{
		"a@=f,b=f":           "{'a': '<f>', 'b': 'f'}",
		"a@=plain":           "{'a': 'plain'}",
		"a@=f,g,b=h":         "{'a': ['<f>', '<g>'], 'b': 'h'}",
		"a @= [f,'g']":       "{'a': ['<f>', '<g>']}",
		"a={b@=f,c=d},d=e":   "{'a': {'b': '<f>', 'c': 'd'}, 'd': 'e'}",
		"a@=bad":             "no such file",
		"a@=f,bad":           "no such file",
		"a@b=c":              "Expected: '=', received: 'b' for input:\na@b=c\n  ^",
		"a={b@=f,c=d},d@=[]": "{'a': {'b': '<f>', 'c': 'd'}, 'd': []}",
	} {
		v, err := p.Parse(text)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = document.Repr(v)
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

func TestParse_RefusesWhatIsTooDeep(t *testing.T) {
	for _, open := range []string{"[", "{a="} {
		if _, err := (shorthand.Parser{}).Parse("a=" + strings.Repeat(open, 1_000_000)); err == nil {
			t.Errorf("a million of %s were read", open)
		}
	}
}

func TestDoc_AgreesOnEveryShape(t *testing.T) {
	q := question{Models: models}
	var all []*model.Shape
	for m := range models {
		for name, s := range shapes(t, m) {
			q.Docs = append(q.Docs, []any{m, name})
			all = append(all, s)
		}
	}
	var a answer
	clitest.Python(t, script, q, &a)
	for i, s := range all {
		if got := shorthand.Supports(s); got != a.Docs[i][0] {
			t.Errorf("%s: supported %t, want %t", s.Name, got, a.Docs[i][0])
		}
		if want, ok := a.Docs[i][1].(string); ok && shorthand.Doc(s) != want {
			t.Errorf("%s:\n got %s\nwant %s", s.Name, shorthand.Doc(s), want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range texts {
		f.Add(text)
	}
	all := shapes(f, 1)["All"]
	f.Fuzz(func(t *testing.T, text string) {
		m, err := shorthand.Parser{}.Parse(text)
		if (m == nil) != (err != nil) {
			t.Fatalf("got %v and %v", m, err)
		}
		if err == nil && shorthand.Fit(m, all) == nil {
			document.JSON(m, 0, true)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	for name, text := range map[string]string{"tag": "Key=team,Value=red", "service": texts[len(texts)-4], "quoted": `A="` + strings.Repeat(`\"x, `, 1000) + `"`} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := (shorthand.Parser{}).Parse(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
