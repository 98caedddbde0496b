package jmespath

import (
	"maps"
	"slices"
	"strings"

	"apron/cli/document"
)

// services is what a list of services looks like.
const services = `{"ServiceSummaryList": [
 {"ServiceName": "web", "ServiceId": "8fe1", "Status": "RUNNING", "CreatedAt": "2020-11-20T20:05:25+01:00", "Ports": [80, 443], "Up": true},
 {"ServiceName": "api", "ServiceId": "9ab2", "Status": "PAUSED", "CreatedAt": "2021-01-02T03:04:05+01:00", "Ports": [], "Up": false},
 {"ServiceName": "jobs", "ServiceId": "77cd", "Status": "RUNNING", "CreatedAt": "2020-01-01T00:00:00+01:00", "Ports": [8080], "Cpu": 1.5}],
 "Service": {"Status": "OPERATION_IN_PROGRESS", "Zeta": 1, "Alpha": 2, "Mid": {"z": null, "y": [], "x": "", "w": 0}},
 "a": [{"b": 3}, {"b": 1}, {"b": 2}, {"c": 1}], "b": {"c": "d"}, "Items": [[1, [2]], 3, [[4]], null], "NextToken": null}`

// byDocument has expressions for one document each.
var byDocument = map[string][]string{
	services: {
		"@", "*", "keys(@)", "values(Service)", "Service.*", "*.Status", "*.*", "ServiceSummaryList[*].ServiceName",
		"ServiceSummaryList[].Ports[]",
		"ServiceSummaryList[].[ServiceName,Status]", "ServiceSummaryList[].{Z:ServiceName,A:Status}",
		"ServiceSummaryList[?Status=='RUNNING']|[0]",
		"ServiceSummaryList[?Up].ServiceName", "ServiceSummaryList[?!Up].ServiceName", "ServiceSummaryList[?Up==`false`]",
		"ServiceSummaryList[?Cpu>`1`]",
		"ServiceSummaryList[?CreatedAt>'2020-06'].ServiceName",
		"ServiceSummaryList[?contains(ServiceName,'b')].ServiceName | sort(@)",
		"sort_by(ServiceSummaryList,&ServiceName)[*].ServiceName",
		"reverse(sort_by(ServiceSummaryList,&CreatedAt))[0].ServiceName",
		"sort_by(ServiceSummaryList,&Ports)", "sort_by(ServiceSummaryList,&Cpu)",
		"max_by(ServiceSummaryList,&length(Ports)).ServiceName", "length(ServiceSummaryList)",
		"min_by(ServiceSummaryList, &Cpu)", "max_by(a, &b)", "sort_by(a, &b)", "sort_by(a[?b], &b)", "map(&b, a)", "a[*].b",
		"a[].b", "sum(a[].b)", "avg(a[].b)", "join(', ',ServiceSummaryList[].ServiceName)",
		"Items[]", "Items[][]", "Items[*][]", "Items[][0]", "Items[0][1:]", "Items[0][1:][0]", "Items[0][::-1].x",
		"(Items[0])[:1].x", "Items[:2][0]", "Items[::0]", "ServiceName[::0]", "Items[-1]", "Items[-9]",
		"Service.Mid.[z,y,x,w]", "Service.Mid.{n:z}", "Service.Mid.z.[a]", "Service.Mid.z.{a:a}", "NextToken",
		"NextToken || 'none'", "not_null(NextToken, Nope, 'x')", "Service.Mid.[!z,!y,!x,!w]",
		"Service.Mid.w && 'yes'", "Service.Mid.w || 'no'", "Service.Mid.x || 'no'", "type(NextToken)", "to_string(Service)",
		"to_string(ServiceSummaryList[0].Ports)", "ServiceSummaryList.length(@)",
		"ServiceSummaryList[*].Ports[?@>`100`][]", "ServiceSummaryList[*].Ports[?@>`100`]",
		"ServiceSummaryList[*].Ports | [0]", "ServiceSummaryList[*].Ports[0]", "(ServiceSummaryList[*].Ports)[0]",
		"ServiceSummaryList[?Status == 'RUNNING' && !(ServiceName == 'web' || Cpu)].ServiceName",
		"ServiceSummaryList[?length(Ports) > `1`].Ports[-1]", "merge(Service, {Alpha: `3`, New: 'x'})",
		"ServiceSummaryList[?starts_with(ServiceName, 'w')].ServiceName|[0]", "{a: keys(b), b: {c: a[0]}}", "a[0].b.c.d",
		"b.c.*", "[a, b][1].c", "a.*.b", "ServiceSummaryList[1:].ServiceName", "a[*].*", "b.keys(@)",
		"*[0]", "*[].b", "[*]", "[]", "[?a]", "[0]", "[*].a", "a.[b]", "a[?b].[b][]",
		"a[?b > `1`].{v: b} | [*].v | sort(@) | [-1]", "sort(keys(@))", "ServiceSummaryList[::2].ServiceName",
		"ServiceSummaryList[].Ports | [1]",
		"a b", "a.", "a..b", ".a", "a[", "a[0", "a[0:", "a[:::]", "a[1 2]", "a[1:2 3]", "a[b]", "a[*", "a[*b]", "a[?",
		"a[?b", "a[]b", "a*", "*a", "**", "a.*b", "a.'x'", "a.`1`", "a.@", "a.1", "a.(b)", "a{b:c}", "a!b", "a@", "a &b",
		"{a}", "{a:}", "{a:b", "{a:b,}", "{a:b c:d}", "{}", "{'a':b}", "{`1`:b}", "{1:b}", "[a", "[a,", "[a,]", "[a b]",
		"[a]b", "(a", "(a]", "()", ")", "]", "}", ",", ":", "|", "a|", "|a", "a||", "a&&", "a==", "a=", "a=b", "=", "a===b",
		"a<", "!",
		"f(", "f(a", "f(a,", "f(a,)", "f(a b)", "f(,)", "f()", "length()", "length(a,b)", "length(a b)", "length(a,)",
		"merge()", "not_null()", "join('a')", `"length"(a)`, `a."length"(a)`, "(length)(a)", "@(a)", "a.b(c)", "a[0](b)",
		"'x'(a)", "`[1]`(a)", "`{\"a\": null}`(a)",
		"`1` `2`", "a `{\"k\": [true, null, 1.50, \"it's\"]}`", "a 'x'", `a "b"`, "a 007", "a -5", "- 5", "-", "a-b", "-1",
		"1", "[-0]", "a[00]", "#", "a # b", "é", "a é b", "日本 a", "\u00a0a", "a\x00", " ", "\t\n", "  a  ", "a\n.\nb",
		"a ? b", "$", "a;b", "%", "^", "~", "/", "\\",
		"'", "'a", `'a\'`, `'a\\'`, `'\'`, `'\n'`, "`", "`a", "`\\`", "``", "` `", "`\\``", `"`, `"a`, `"a\"`, `"a\x"`,
		`"\u12"`, "\"a\nb\"", `""`, `"\u00e9"`, `"a\tb"`, `"Service".Status`, `"a":b`, "'é' x", "\"é\" x", "`é` x",
		"a[99999999999999999999999]", "a[-99999999999999999999999:]", "a[:99999999999999999999999]",
		"a[::99999999999999999999999]", "a[::-99999999999999999999999]", "a[" + strings.Repeat("1", 4300) + "]",
		"a[" + strings.Repeat("1", 4301) + "]", "a[-" + strings.Repeat("1", 4301) + "]",
		"&a", "[&a]", "{a: &b}", "&a | type(@)", "type(&a)", "length(&a)", "to_string(&a)", "to_string([&a, 'b'])",
		"to_array(&a) | length(@)", "not_null(&a) == `1`", "[&a] | [0] == [0]", "&a == &a", "to_number(&a)", "abs(&a)",
		"sort([&a])", "!(&a)", "(&a) && 'x'", "&a < `1`", "map(a, a)", "map(&a, b)", "map(&a, 'x')", "sort_by(a, b)",
		"contains([&a], &a)", "&&a", "a[?&b]", "&a | [0]", "merge(b, &a)", "merge(b, [&a])", "merge(b, {x: &a})", "to_string([&a])", "contains('a', &b)", "sort_by(a, &(&b))",
		"& a.b | @",
	},
	`{"high": "\ud83d", "low": "\ude00!", "\ud83d": 1, "\udcff": ["é\ud83dx", "\uffff", "\ud83d\ude00"]}`: {
		"@", "keys(@)", "to_string(@)", "`\"日本\\ud83dude000\"`", "(`\"日本\\ud83dude000\"`)", "`\\ud83d`", "`\"\\ude00\\ud83d\"`",
		`"\ud83d"`, `"\udcff"[]`, `"\ud83d\u0041"`, "low == `\"\\ude00!\"`", "high == `\"\\ufffd\"`", "high < '\uffff'", "high > 'é'",
		`sort("\udcff")`, `max("\udcff")`, "length(high)", "length(low)", `"\udcff"[].length(@)`, "reverse(low)", `"\udcff"[].reverse(@)`,
		"join('', [high, low])", "length(join('', [high, low]))", "join('', [high, low]) == '😀!'", "contains(low, '!')",
		"contains(`\"é\\ud83dx\"`, `\"\\ud83d\"`)", "contains('😀', `\"\\ud83d\"`)", "starts_with(low, `\"\\ude00\"`)", "ends_with(high, high)",
		"abs(high)", "abs([high, low])", "abs(`{\"\\ud83d\": \"\\udc80\"}`)", "to_number(high)", "to_string([high])", "merge(`{}`, [high])",
		"merge(`{}`, [join('', [high, 'b'])])", "sum([high])", "{a: high, \"\\ud83d\": low}", "`{\"\\ud83d\"`", "'\ufffd' == high",
	},
	`[3, 1.0, 1, 2.5, -7, 123456789012345678901234567890]`: {
		"sort(@)", "max(@)", "min(@)", "sum(@)", "avg(@)", "[*].abs(@)", "[].ceil(@)", "[].floor(@)", "[].to_string(@)",
		"[].to_number(@)", "contains(@, `1`)", "contains(@, `true`)", "[?@ > `1`]", "[?@ == `1`]", "reverse(@)",
		"join('', @)", "length(@)", "sort_by(@, &@)", "sort_by(@, &to_string(@))", "max_by(@, &abs(@))",
		"[0:2]", "[::-1]", "[-2:]", "[5:0:-2]", "[-100:100]", "[100:-100:-1]", "[:]", "[::]", "[1:1]", "[0] < [1]",
		"[0] <= 'x'", "'x' > [1]", "'x' >= [0]", "'a' < 'b'", "`true` < `2`", "`null` < `1`",
		"[5] == `123456789012345678901234567890`", "[5] > [0]", "@ == @", "@ == `[]`", "@ != `[]`", "`1` == `1.0`",
		"`1` == `true`", "`true` == `1`", "`0` == `false`", "`[1]` == `[true]`", "`{\"a\":0}` == `{\"a\":false}`",
		"`{\"a\":1,\"b\":2}` == `{\"b\":2,\"a\":1}`", "`2` == `true`", "'' == `null`",
		"`9007199254740993` == `9007199254740993.0`", "`9007199254740993` > `9007199254740992.0`",
		"`1e400` > `123456789012345678901234567890`", "`NaN` == `NaN`", "`NaN` < `1`", "!`NaN`", "!`0`", "!`0.0`", "!`1`",
		"![]", "!@",
		"abs(`-9223372036854775808`)", "abs(`-0.0`)", "ceil(`1e300`)", "ceil(`-0.5`)", "floor(`-0.5`)", "ceil(`Infinity`)",
		"floor(`NaN`)", "sum(`[9223372036854775807, 1]`)", "sum(`[0.1, 0.2, 3]`)", "sum(`[]`)", "avg(`[]`)", "avg(`[1,2]`)",
		"sum(`[1, true]`)", "sum(`[1, \"a\"]`)", "sum(`[null]`)", "sum('a')", "max(`[]`)", "max(`[1,\"a\"]`)",
		"max(`[\"a\",1]`)", "max(`[true]`)", "max(`[[1]]`)", "sort(`[\"b\",\"a\",\"é\",\"Z\"]`)", "sort(`[1,null]`)",
		"min(`null`)", "min_by(@, &to_string(@))", "max_by(`[1,\"a\"]`, &@)", "min_by(`[1,\"a\"]`, &@)",
		"max_by(`[\"a\",1]`, &@)", "sort_by(`[1,\"a\"]`, &@)", "sort_by(`[true]`, &@)", "sort_by(`[]`, &@)",
		"max_by(`[]`, &@)", "max_by(`[null]`, &@)", "sort_by(`[[1],[2]]`, &@)",
		"sum([`1e308`, `1e308`])", "sum(`[1" + strings.Repeat("0", 400) + ", 0.5]`)",
		"avg(`[1" + strings.Repeat("0", 400) + "]`)", "nope(@)", "nope(abs('x'))", "abs(nope(@))", "abs(@)", "abs(`\"x\"`)",
		"abs(`{\"a\": [1, \"b'c\", null, true, 1.0]}`)", "keys(@)", "values(@)", "ends_with('ab', 'b')",
		"ends_with('ab', `1`)", "starts_with(@, 'a')", "contains('abc', 'b')", "contains('abc', `1`)", "contains(`1`, 'a')",
		"contains('abc', '')", "contains('a', `null`)", "join(`1`, @)", "join(',', `[\"a\",\"b\"]`)", "join(',', `[]`)",
		"to_array('a')", "to_array(`null`)", "to_array(@)", "type(`1`)", "type(`true`)", "type('x')", "type(`{}`)",
		"type(@)", "not_null(`null`)", "not_null(`null`, `false`)", "length('日本😀')", "reverse('日本😀é')", "'abc'[0]",
		"'abc'[0:1]", "`\"abc\"`[::-1]", "length(`1`)", "merge(`{\"a\":1}`, `{\"b\":2,\"a\":3}`)", "merge(`{}`, `1`)",
		"merge(`{}`, `null`)", "merge(`{}`, `true`)", "merge(`{}`, 'ab')", "merge(`{}`, '')", "merge(`{}`, `[]`)",
		"merge(`{}`, `[\"ab\"]`)", "merge(`{}`, `[[1,2],[null,3],[false,4],[1.5,5]]`)", "merge(`{}`, `[[[],2]]`)",
		"merge(`{}`, `[[{},2]]`)", "merge(`{}`, `[1]`)", "merge(`{}`, `[[1,2,3]]`)", "merge(`{}`, `[{\"x\":1,\"y\":2}]`)",
		"merge(`{}`, `1.5`)", "merge(`1`, `{}`)", "merge(`{}`, `[\"日本\"]`)",
		"`foo`", "` foo `", "`\u2003foo`", "`\x1cfoo`", "`\"a`", "`a\"b`", "`[1`", "`[\"a\"`", "`{a:1}`", "`a\\nb`",
		"`a\\`b`", "`a\\xb`", "`\"\\u0041\"`", "`01`", "`1.`", "`-`", "`nul`", "`NaN`", "`-Infinity`", "`1 2`", "`'a'`",
		"`\ufeff1`", "`\n1\n`", "`a\nb`", "'a\nb' == `\"a\\nb\"`", `'\\' == '\\\\'`, `length('\\')`, `length('\'')`,
		`'\u0041'`,
		"`1` == `1` == `true`", "`1` < `2` == `true`", "a || b && c | d", "a && b || 'c'", "!a == b", "!`true` || 'x'",
		"!!a", "!a.b", "!a[0]", "a == b.c", "a | b || c", "[0] | @", "@.@", "@[0]", "@.[@]", "[@, [@[0]]]",
		"{\"a b\": [0], a: {c: @[1]}, \"a b\": [1]}", "`[{\"a\":[{\"b\":1},{\"b\":2}]},{\"a\":[{\"b\":3}]}]`[*].a[*].b",
		"`[{\"a\":[{\"b\":1},{\"b\":2}]},{\"a\":[{\"b\":3}]}]`[].a[].b",
		"`[{\"a\":[{\"b\":1},{\"b\":2}]},{\"a\":[{\"b\":3}]}]`[*].a[0].b",
		"`[{\"a\":[{\"b\":1},{\"b\":2}]},{\"a\":[{\"b\":3}]}]`[*].a | [0]",
		"`[{\"a\":[{\"b\":1},{\"b\":2}]},{\"a\":[{\"b\":3}]}]`[?a[?b>`2`]]",
		"`{\"x\":{\"a\":1},\"y\":{\"a\":2},\"z\":3}`.*.a", "`{\"x\":{\"a\":1},\"y\":{\"a\":2},\"z\":3}`.*.[a]",
		"`{\"x\":{\"a\":[1]},\"y\":{\"a\":[2,3]}}`.*.a[]", "`{\"x\":[1,2],\"y\":[3]}`.*[0]", "`[[1,2],[3]]`[*][0]",
		"`[[1,2],[3]]`[*] | [0]", "`[[1,[2]],[3]]`[][]", "`[1,2,3]`[?@>`1`][0]", "`[[1,2],[3]]`[?@][0]",
		"`[[1,2],[3]]`[?@][]", "`[[1,2],[3]]`[?@] | []",
	},
}

// numerals are strings for to_number.
var numerals = []string{
	"", " ", "5", " 5 ", "\u20035", "\u00855", "\x1c5", "5\x1c", "٥", "-٥", "\x1c٥", "１.５", "𝟗𝟘", "²", "1_0", "1__0", "_1",
	"1_", "1_0.5", "1e1_0", "1_e5", "1._5", "._5", "+5", "-5", "--5", "+-5", "+ 5", "007", "-0", "-0.0", "0_7", "1.", ".5",
	".", "1.e5", ".e5", "1e", "1e+", "1e+5", "1E-5", "1e400", "-1e400", "1e-400", "inf", "Infinity", "-INF", "+nan", "nan",
	"NaN", "infin", "in f", "nan()", "0x10", "0x1p4", "1p4", "0b1", "0o7", "1,5", "1٫5", "5\x00", "5a", "e5", "1 2",
	"9223372036854775808", "-9223372036854775809", "\v5\f", "1j", "True", strings.Repeat("1", 4300),
	strings.Repeat("1", 4301),
}

func table() []question {
	var questions []question
	for _, doc := range slices.Sorted(maps.Keys(byDocument)) {
		for _, e := range byDocument[doc] {
			questions = append(questions, question{e, doc})
		}
	}
	for _, s := range numerals {
		questions = append(questions, question{"to_number(@)", document.JSON(s, 0, true)})
	}
	for _, deep := range nested(250) {
		questions = append(questions, question{deep, "null"})
	}
	for _, deep := range nested(3000) {
		questions = append(questions, question{deep, "null"})
	}
	return append(questions, question{"", "null"}, question{"a", "null"}, question{"a.b[0]", "7"}, question{"*", `"x"`},
		question{"length(@)", `""`})
}

// nested has what goes deep, some in reading and some in evaluating.
func nested(n int) []string {
	around := func(open, inside, end string) string {
		return strings.Repeat(open, n) + inside + strings.Repeat(end, n)
	}
	return []string{
		around("(", "a", ")"), around("!", "a", ""), around("[", "a", "]"), around("{a:", "a", "}"), around("[?", "a", "]"),
		around("a||", "a", ""), around("a|", "a", ""), around("a.", "a", ""), around("`1`==", "`1`", ""), around("a && ", "a", ""),
		around("", "`[]`", "[0]"), around("abs(", "`1`", ")"), around("(", "", ""), around("[", "", ""), around("{a:", "", ""),
		around("f(", "", ""), "`" + around("[", "", "]") + "`", "`" + around(`{"a":`, "1", "}") + "`",
	}
}
