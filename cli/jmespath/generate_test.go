package jmespath

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// generator makes expressions of JMESPath's grammar, then breaks some of them, and documents that have what the
// expressions ask for often enough.
type generator struct{ *rand.Rand }

func generated(seed uint64, count int) []question {
	g := generator{rand.New(rand.NewPCG(seed, 0))}
	questions := make([]question, count)
	for i := range questions {
		e := g.expression(4)
		if g.IntN(6) == 0 {
			e = g.broken(e)
		}
		questions[i] = question{e, g.document()}
	}
	return questions
}

func pick[T any](g generator, list ...T) T { return list[g.IntN(len(list))] }

func (g generator) document() string {
	if g.IntN(3) == 0 {
		return services
	}
	return g.json(4)
}

// json is an object mostly, so that names find something.
func (g generator) json(depth int) string {
	switch n := g.IntN(10); {
	case depth <= 0 || n == 0:
		return g.scalar()
	case n < 4:
		return "[" + g.many(0, 4, func() string { return g.json(depth - 1) }, ", ") + "]"
	case n == 4: // of one kind, for the functions that want that
		kind := pick(g, g.digits, g.word)
		return "[" + g.many(0, 5, kind, ",") + "]"
	case n == 5:
		return "[" + g.many(0, 4, func() string { return `{"a":` + g.scalar() + `,"b":` + g.digits() + `}` }, ",") + "]"
	}
	return "{" + g.many(0, 4, func() string { return `"` + g.name() + `": ` + g.json(depth-1) }, ", ") + "}"
}

func (g generator) scalar() string {
	return pick(g, "null", "true", "false", "0", "1", "-1", "1.0", "0.0", "2.5", "-0.5", "10", "1e300", "123456789012345678901234567890",
		"9223372036854775807", "9007199254740993", "9007199254740992.0",
		`""`, `"a"`, `"b"`, `"é"`, `"日本\ud83d\ude00"`, `"\ud83da"`, `"\ude00\ud83d"`, `"12"`, `" -1.5 "`, `"1e3"`, "[]", "{}")
}

func (g generator) digits() string {
	return pick(g, "0", "1", "2", "-3", "2.0", "2.5", "1e20", "9223372036854775807", "-9223372036854775808", "10")
}

func (g generator) word() string {
	return `"` + pick(g, "", "a", "ab", "b", "é", "z", "10", "日本") + `"`
}

func (g generator) name() string { return pick(g, "a", "b", "c", "d", "é", "a b") }

func (g generator) many(least, most int, make func() string, separator string) string {
	var list []string
	for range least + g.IntN(most-least+1) {
		list = append(list, make())
	}
	return strings.Join(list, separator)
}

func (g generator) expression(depth int) string {
	if depth <= 0 {
		return g.leaf()
	}
	e := func() string { return g.expression(depth - 1) }
	return pick(g,
		g.leaf,
		func() string { return e() + g.suffix(depth-1) },
		func() string { return e() + g.suffix(depth-1) },
		func() string { return e() + g.suffix(depth-1) + g.suffix(depth-1) },
		func() string {
			return e() + pick(g, "", " ") + pick(g, "|", "||", "&&", "==", "!=", "<", "<=", ">", ">=") + e()
		},
		func() string { return pick(g, "!", "!", "[].", "*.", "[*].", "[?a].", "@.", "&") + e() },
		func() string { return "(" + e() + ")" },
		func() string { return g.list(depth - 1) },
		func() string { return g.hash(depth - 1) },
		func() string { return g.call(depth - 1) },
		func() string { return g.call(depth - 1) },
	)()
}

func (g generator) leaf() string {
	return pick(g, "a", "b", "c", "d", "@", "@", `"a b"`, `"é"`, `"\u0061"`, "*", "[0]", "[-1]", "[:2]", "[::-1]",
		"ServiceSummaryList", "Service.Status", "Items[]",
		"`"+g.scalar()+"`", "`"+g.scalar()+"`", "'"+g.name()+"'", `'it\'s \\'`, "`plain`",
		"` [1`", "`\"a\\`b\"`", "`[0, false, 1.0]`", "`[\"a\", 1]`", "`{\"a\": true}`")
}

func (g generator) suffix(depth int) string {
	return pick(g,
		func() string { return "." + pick(g, "a", "b", "c", "Status", "*", `"é"`) },
		func() string { return "." + g.list(depth) },
		func() string { return "." + g.hash(depth) },
		func() string { return "." + g.call(depth) },
		func() string { return pick(g, "[]", "[*]", "[0]", "[-2]", "[99999999999999999999]") },
		func() string { return "[" + g.slice() + "]" },
		func() string { return "[?" + g.expression(depth-1) + "]" },
		func() string {
			return "[?" + g.leaf() + pick(g, "==", "<", ">=", "!=") + g.leaf() + "]"
		},
	)()
}

func (g generator) slice() string {
	part := func() string { return pick(g, "", "0", "1", "2", "-1", "-2", "5", "-9", "123456789012345678901") }
	step := func() string { return pick(g, "", "1", "2", "-1", "-2", "0", "-99999999999999999999") }
	if g.IntN(2) == 0 {
		return part() + ":" + part()
	}
	return part() + ":" + part() + ":" + step()
}

func (g generator) list(depth int) string {
	return "[" + g.many(1, 3, func() string { return g.expression(depth - 1) }, pick(g, ",", ", ")) + "]"
}

func (g generator) hash(depth int) string {
	return "{" + g.many(1, 3, func() string {
		return pick(g, "a", "b", "z", `"x y"`) + ": " + g.expression(depth-1)
	}, pick(g, ",", ", ", "\n,\t")) + "}"
}

// call mostly has the arguments that the function wants.
func (g generator) call(depth int) string {
	names := []string{"unknown"}
	for name := range functions() {
		names = append(names, name)
	}
	slices.Sort(names)
	name := pick(g, names...)
	var arguments []string
	for _, allowed := range functions()[name].parameters {
		arguments = append(arguments, g.argument(allowed, depth))
	}
	if g.IntN(12) == 0 || functions()[name].variadic && g.IntN(2) == 0 {
		arguments = append(arguments, g.expression(depth-1))
	}
	if g.IntN(15) == 0 && len(arguments) > 0 {
		arguments = arguments[1:]
	}
	return name + "(" + strings.Join(arguments, pick(g, ",", ", ", " , ")) + ")"
}

func (g generator) argument(allowed []string, depth int) string {
	if allowed == nil || g.IntN(4) == 0 {
		return g.expression(depth - 1)
	}
	switch pick(g, allowed...) {
	case "number":
		return fmt.Sprintf("`%s`", g.digits())
	case "string":
		return "'" + g.name() + "'"
	case "object":
		return pick(g, "@", "`{\"b\": 1, \"a\": [2]}`", "{z: a, b: `1`}", "`{}`")
	case "array":
		return pick(g, "@", "values(@)", "*", "ServiceSummaryList",
			"`[{\"a\":1},{\"a\":2.5},{\"a\":1.0}]`", "`[[2,\"x\"],[1,\"y\"],[2,\"z\"]]`", "`[]`", "`[\"b\",\"a\",\"\"]`")
	case "array-number":
		return "`[" + g.many(0, 5, g.digits, ",") + "]`"
	case "array-string":
		return "`[" + g.many(0, 5, g.word, ",") + "]`"
	}
	return "&" + pick(g, "@", "a", "[0]", "[1]", "ServiceName", "length(@)", g.expression(depth-1))
}

// splinters are what broken puts where it does not belong.
var splinters = []string{
	"[", "]", "{", "}", "(", ")", "'", "`", `"`, "\\", ".", "*", ",", ":", "&", "|", "=", "-", "!", "<", "?", " ", "\n", "é", "#",
	"1", "a", "@", "[]", "[?", "()", "\u00a0", "\x00",
}

// broken is e with some of its characters taken out, doubled, moved or added.
func (g generator) broken(e string) string {
	r := []rune(e)
	for range 1 + g.IntN(2) {
		if len(r) == 0 {
			break
		}
		at := g.IntN(len(r))
		switch g.IntN(4) {
		case 0:
			r = slices.Delete(r, at, at+1)
		case 1:
			r = slices.Insert(r, at, r[at])
		case 2:
			r = slices.Insert(r, at, []rune(pick(g, splinters...))...)
		case 3:
			r = r[:at]
		}
	}
	return string(r)
}
