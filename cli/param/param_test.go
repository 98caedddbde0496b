package param_test

import (
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"apron/api"
	"apron/cli/clitest"
	"apron/cli/document"
	"apron/cli/model"
	"apron/cli/param"
)

// kinds is a model with what App Runner's inputs and outputs have none of.
const kinds = `{"metadata":{"targetPrefix":"X","jsonVersion":"1.0"},"operations":{"Tell":{"input":"Plain","output":"Empty"},"Ask":{"input":"All","output":"All"}},"shapes":{
"Plain":{"type":"structure","required":["B","Ls"],"members":{"Z":{"shape":"Level"},"E":{"shape":"Empty"},"B":{"shape":"Bool"},"A":{"shape":"Text"},"I":{"shape":"Int","documentation":"A number."},"S":{"shape":"Text"},
"Li":{"shape":"Ints"},"M":{"shape":"IntMap"},"Ms":{"shape":"OneMap","documentation":"A map."},"One":{"shape":"One"},"Ls":{"shape":"Ones"},"Self":{"shape":"Plain","documentation":"Again."},"Lz":{"shape":"Empties"}}},
"Empties":{"type":"list","member":{"shape":"Empty"},"documentation":"Nothing, twice."},
"All":{"type":"structure","required":["S","One"],"members":{"I":{"shape":"Int"},"B":{"shape":"Bool"},"S":{"shape":"Text"},"T":{"shape":"Time"},"Li":{"shape":"Ints"},
"Lt":{"shape":"Times"},"M":{"shape":"IntMap"},"Ms":{"shape":"OneMap"},"One":{"shape":"One"},"Ls":{"shape":"Ones"},"Ll":{"shape":"IntLists"},"Self":{"shape":"All"},"E":{"shape":"Empty"},"Z":{"shape":"Level"}}},
"Level":{"type":"string","enum":["HIGH","LOW"]},"Int":{"type":"integer","min":-1},"Bool":{"type":"boolean"},"Text":{"type":"string","min":2},"Time":{"type":"timestamp"},
"Ints":{"type":"list","member":{"shape":"Int"},"min":1},"Times":{"type":"list","member":{"shape":"Time"}},"Empty":{"type":"structure","members":{}},
"IntMap":{"type":"map","key":{"shape":"Text"},"value":{"shape":"Int"}},"OneMap":{"type":"map","key":{"shape":"Level"},"value":{"shape":"One"}},
"IntLists":{"type":"list","member":{"shape":"Ints"}},"Ones":{"type":"list","member":{"shape":"One"}},
"One":{"type":"structure","required":["Li"],"members":{"Li":{"shape":"Ints"},"Q":{"shape":"Level"},"Z":{"shape":"Text"},"A":{"shape":"Text"}}}}}`

var models = []string{string(api.Model), kinds}

// script has the AWS CLI's own classes answer questions, each with its Python form or the text of its error.
const script = `
import io, json, os, sys, time
import awscli  # has a botocore of its own, which the next lines find
from argparse import Namespace
from contextlib import redirect_stdout
from botocore.model import ShapeResolver
from botocore.parsers import JSONParser
from botocore.serialize import JSONSerializer
from botocore.utils import ArgumentGenerator
from botocore.validate import ParamValidator
from awscli.argprocess import ParamShorthandParser, ParamError, ParamSyntaxError, unpack_cli_arg
from awscli.customizations.cliinput import CliInputJSONArgument, CliInputYAMLArgument
from awscli.customizations.generatecliskeleton import GenerateCliSkeletonArgument
from awscli.customizations.timestampformat import iso_format, identity
from awscli.paramfile import URIArgumentHandler, LOCAL_PREFIX_MAP
from awscli.utils import json_encoder
asked = json.load(sys.stdin)
resolvers = [ShapeResolver(json.loads(m)['shapes']) for m in asked['Models']]

class Session:
    def register(self, *args, **kwargs): pass
class Argument:
    cli_name, name, py_name = '--x', 'x', 'x'
class Operation: pass

def unpack(shape, value):
    a = Argument()
    a.argument_model = shape
    loaded = URIArgumentHandler(LOCAL_PREFIX_MAP)('x', a, value)
    if loaded is not None:
        value = loaded
    v = ParamShorthandParser()(a, value, 'process-cli-arg.apprunner.x')
    return unpack_cli_arg(a, value) if v is None else v

def validate(shape, value):
    report = ParamValidator().validate(value, shape)
    return report.generate_report()

def request(shape, value):
    body = {}
    JSONSerializer()._serialize(body, value, shape)
    json.dumps(body)
    return body

def response(shape, value, timestamps):
    raw = value.encode('utf-8', 'surrogateescape')
    parsed = JSONParser(timestamp_parser=timestamps).parse({'body': raw, 'headers': {}, 'status_code': 200}, shape)
    if parsed is not None:
        del parsed['ResponseMetadata']
    return parsed

def skeleton(shape, kind):
    if kind == 'output':
        return json.dumps(ArgumentGenerator(use_member_names=True).generate_skeleton(shape), default=json_encoder)
    op = Operation()
    op.input_shape = shape
    with redirect_stdout(io.StringIO()) as out:
        a = GenerateCliSkeletonArgument(Session(), op)
        a._generate_input_skeleton() if kind == 'input' else a._generate_yaml_input_skeleton()
    return out.getvalue()

def merge(value):
    params, parsed = value['Params'], Namespace(cli_input_json=value['JSON'], cli_input_yaml=value['YAML'], other='x')
    CliInputJSONArgument(Session()).add_to_call_parameters(params, parsed)
    CliInputYAMLArgument(Session()).add_to_call_parameters(params, parsed)
    return params

def answer(q):
    shape, value, kind = q['Shape'] and resolvers[q['Model']].get_shape_by_name(q['Shape']), q['Value'], q['Kind']
    if q['Zone']:
        os.environ['TZ'] = q['Zone']
        time.tzset()
    try:
        if kind == 'unpack': v = unpack(shape, value)
        if kind == 'validate': return validate(shape, value)
        if kind == 'request': v = request(shape, value)
        if kind == 'wire': v = response(shape, value, identity)
        if kind == 'iso8601': v = response(shape, value, iso_format)
        if kind == 'skeleton': return skeleton(shape, value)
        if kind == 'merge': v = merge(value)
        return repr(v)
    except (ParamError, ParamSyntaxError) as e:
        return 'param: ' + str(e)
    except Exception as e:
        return 'python: ' + str(e)
json.dump([answer(q) for q in asked['Questions']], sys.__stdout__)
`

// question is one value for one shape; Go is what this package makes of it.
type question struct {
	Kind  string
	Model int
	Shape string
	Value any
	Zone  string // where the machine is, "" for no matter
	Go    string `json:"-"`
}

// shown is a result as the script shows one.
func shown(v any, err error) string {
	if _, ok := errors.AsType[*param.Error](err); ok {
		return "param: " + err.Error()
	}
	if err != nil {
		return "python: " + err.Error()
	}
	return document.Repr(v)
}

func compare(t *testing.T, questions []question) {
	t.Helper()
	var want []string
	clitest.Python(t, script, map[string]any{"Models": models, "Questions": questions}, &want)
	for i, q := range questions {
		if q.Go != want[i] {
			t.Errorf("%s %v as %s:\n got %s\nwant %s", q.Kind, q.Value, q.Shape, q.Go, want[i])
		}
	}
}

// plain is a value in a form that encoding/json keeps for Python.
type plain struct{ v any }

func (p plain) MarshalJSON() ([]byte, error) { return []byte(document.JSON(p.v, 0, true)), nil }
func (p plain) String() string               { return document.Repr(p.v) }

// shape is one that an input or output of a model reaches.
type shape struct {
	*model.Shape
	model int
}

// shapes are those of both models that the operations' inputs, or outputs, reach; tops are these themselves.
func shapes(t testing.TB, outputs bool) (all, tops []shape) {
	t.Helper()
	for i, text := range models {
		s, err := model.Read("x", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		seen := map[*model.Shape]bool{nil: true}
		for _, o := range s.Operations {
			top := o.Input
			if outputs {
				top = o.Output
			}
			tops = append(tops, shape{top, i})
			collect(top, i, seen, &all)
		}
	}
	return all, tops
}

// everything is the shape with a member of each kind.
func everything(t testing.TB) shape {
	t.Helper()
	all, _ := shapes(t, false)
	for _, s := range all {
		if s.Name == "All" {
			return s
		}
	}
	t.Fatal("no shape All")
	return shape{}
}

func collect(s *model.Shape, m int, seen map[*model.Shape]bool, all *[]shape) {
	if seen[s] {
		return
	}
	seen[s] = true
	*all = append(*all, shape{s, m})
	collect(s.Elem, m, seen, all)
	for _, member := range s.Members {
		collect(member.Shape, m, seen, all)
	}
}

// generator makes up values that mostly fit a shape.
type generator struct {
	*rand.Rand
	times []any
}

func (g generator) value(s *model.Shape, depth int) any {
	if g.IntN(12) == 0 {
		return g.other(s)
	}
	switch s.Type {
	case "structure":
		return g.structure(s, depth)
	case "map":
		m := &document.Map{}
		for range g.IntN(3) {
			m.Set(g.text(), g.value(s.Elem, depth+1))
		}
		return m
	case "list":
		list := []any{}
		for range g.IntN(3) {
			list = append(list, g.value(s.Elem, depth+1))
		}
		return list
	case "integer":
		return int64(g.IntN(20) - 4)
	case "boolean":
		return g.IntN(2) == 0
	case "timestamp":
		return g.times[g.IntN(len(g.times))]
	}
	return g.text()
}

func (g generator) structure(s *model.Shape, depth int) any {
	m := &document.Map{}
	for _, i := range g.Perm(len(s.Members)) {
		if g.IntN(2+depth) < 2 {
			m.Set(s.Members[i].Name, g.value(s.Members[i].Shape, depth+1))
		}
	}
	if g.IntN(8) == 0 {
		m.Set("Nowhere", g.text())
	}
	return m
}

// other fits seldom.
func (g generator) other(s *model.Shape) any {
	some := []any{nil, true, int64(7), 1.5, new(big.Int).Lsh(big.NewInt(-1), 70), false, g.text(), []any{}, []any{g.text()}, &document.Map{}, document.NewMap("Key", g.text())}
	if s.Type == "timestamp" || s.Elem != nil && s.Elem.Type == "timestamp" {
		some = some[:4] // other texts are dates to the AWS CLI, in more ways than here
	}
	return some[g.IntN(len(some))]
}

func (g generator) text() string {
	return strings.Repeat([]string{"", "a", "é", "Key", "it's", "1 \n", "ж𝟗"}[g.IntN(7)], 1+g.IntN(2))
}

// seeded runs a test from each seed.
func seeded(t *testing.T, test func(*testing.T, generator)) {
	for _, seed := range clitest.Seeds(t) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			test(t, generator{Rand: rand.New(rand.NewPCG(seed, 0)), times: times})
		})
	}
}
