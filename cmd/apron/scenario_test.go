package main_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// scenario is what testdata/clients/*.txt say (testdata/clients/README.md): what a client does in order, and the
// exceptions that no client can bring about.
type scenario struct {
	steps []step
	never map[pair]string // to the reason
}

// pair is an action and an exception of it.
type pair struct{ action, exception string }

// step is a call and what is wanted of its answer.
type step struct {
	at                string // file:line
	until             bool   // again until the answer is as wanted
	newer             bool   // needs a newer model than Debian's botocore has
	not               string // the client that cannot do this
	action, input     string
	checks            []check
	exception, reason string // what the call fails with, and a part of the message
}

// check is one wish about the answer.
type check struct{ path, op, want string }

func readScenario(t *testing.T) scenario {
	t.Helper()
	files, err := filepath.Glob("../../testdata/clients/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenario: %v", err)
	}
	s := scenario{never: map[pair]string{}}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err == nil {
			err = s.parse(filepath.Base(file), string(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// parse adds a file's lines: a step begins at the margin, what belongs to it is indented.
func (s *scenario) parse(file, text string) error {
	for i, line := range strings.Split(text, "\n") {
		at := file + ":" + strconv.Itoa(i+1)
		var err error
		switch trimmed := strings.TrimSpace(line); {
		case trimmed == "" || strings.HasPrefix(trimmed, "#"):
		case strings.HasPrefix(line, "never "):
			err = s.parseNever(line)
		case !unicode.IsSpace(rune(line[0])):
			s.steps = append(s.steps, parseStep(at, line))
		case len(s.steps) == 0:
			err = fmt.Errorf("no step before this")
		default:
			err = s.steps[len(s.steps)-1].add(trimmed)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
	}
	return nil
}

var neverLine = regexp.MustCompile(`^never (\w+) (\w+): (.+)$`)

func (s *scenario) parseNever(line string) error {
	m := neverLine.FindStringSubmatch(line)
	if m == nil {
		return fmt.Errorf("want: never ACTION EXCEPTION: REASON")
	}
	s.never[pair{m[1], m[2]}] = m[3]
	return nil
}

func parseStep(at, line string) step {
	s := step{at: at}
	for {
		word, rest, _ := strings.Cut(line, " ")
		switch {
		case word == "until":
			s.until = true
		case word == "[newer]":
			s.newer = true
		case strings.HasPrefix(word, "[!"):
			s.not = strings.Trim(word, "[!]")
		default:
			s.action, s.input = word, cmp.Or(rest, "{}")
			return s
		}
		line = rest
	}
}

// checkLine is a path, an operator and, for most operators, a value.
var checkLine = regexp.MustCompile(`^(\S+) (==|~|->|is) (.+)$`)

// add takes a line of a step: the rest of its input as long as that is no whole JSON, then checks or the exception.
func (s *step) add(line string) error {
	if !json.Valid([]byte(s.input)) {
		s.input += "\n" + line
		return nil
	}
	if rest, ok := strings.CutPrefix(line, "! "); ok {
		class, reason, _ := strings.Cut(rest, ":")
		s.exception, s.reason = class, strings.TrimSpace(reason)
		return nil
	}
	m := checkLine.FindStringSubmatch(line)
	if m == nil {
		return fmt.Errorf("%q is no check", line)
	}
	s.checks = append(s.checks, check{m[1], m[2], m[3]})
	return nil
}

// variables are what the checks with "->" have found so far, and what the scenario begins with.
type variables map[string]string

// expand puts the variables into a text of the scenario; an unknown one is an error.
func (v variables) expand(text string) (string, error) {
	var unknown []string
	text = os.Expand(text, func(name string) string {
		if _, ok := v[name]; !ok {
			unknown = append(unknown, name)
		}
		return v[name]
	})
	if len(unknown) > 0 {
		return "", fmt.Errorf("no variable %s", strings.Join(unknown, ", "))
	}
	return text, nil
}

// hold tells the first thing about the answer that is not as wanted.
func (v variables) hold(checks []check, answer any) error {
	for _, c := range checks {
		want, err := v.expand(c.want)
		if err != nil {
			return err
		}
		got := at(answer, c.path)
		if err := operators[c.op](got, want); err != nil {
			return fmt.Errorf("%s %s %s: %w; it is %s", c.path, c.op, want, err, text(got))
		}
		switch c.op {
		case "->":
			v[c.want] = got.(string)
		case "~":
			v.learn(want, got.(string))
		}
	}
	return nil
}

// learn sets the variables that the pattern's groups name.
func (v variables) learn(pattern, text string) {
	re := whole(pattern)
	for i, group := range re.FindStringSubmatch(text) {
		if name := re.SubexpNames()[i]; name != "" {
			v[name] = group
		}
	}
}

// whole is the pattern for a text from end to end.
func whole(pattern string) *regexp.Regexp { return regexp.MustCompile("^(?:" + pattern + ")$") }

// absent is what is at a path that leads nowhere.
type absent struct{}

// at follows a path of member names, list indexes and "#", the length of a list.
func at(value any, path string) any {
	for name := range strings.SplitSeq(path, ".") {
		switch v := value.(type) {
		case map[string]any:
			member, ok := v[name]
			if !ok {
				return absent{}
			}
			value = member
		case []any:
			i, err := strconv.Atoi(name)
			switch {
			case name == "#":
				value = float64(len(v))
			case err != nil || i >= len(v):
				return absent{}
			default:
				value = v[i]
			}
		default:
			return absent{}
		}
	}
	return value
}

var operators = map[string]func(got any, want string) error{
	"==": func(got any, want string) error {
		var w any
		if err := json.Unmarshal([]byte(want), &w); err != nil {
			return err
		}
		return unless(reflect.DeepEqual(got, w), "not equal")
	},
	"~": func(got any, want string) error {
		s, ok := got.(string)
		return unless(ok && whole(want).MatchString(s), "no match")
	},
	"->": func(got any, _ string) error {
		_, ok := got.(string)
		return unless(ok, "no text")
	},
	"is": func(got any, want string) error {
		kinds := map[string]func(any) bool{
			"absent":    func(v any) bool { return v == absent{} },
			"timestamp": isTimestamp,
		}
		if !slices.Contains([]string{"absent", "timestamp"}, want) {
			return fmt.Errorf("unknown kind")
		}
		return unless(kinds[want](got), "it is not")
	},
}

// isTimestamp wants what a client made a time of, and of this century.
func isTimestamp(v any) bool {
	m, _ := v.(map[string]any)
	seconds, ok := m["$time"].(float64)
	return ok && seconds > 1e9 && seconds < 4e9
}

func unless(ok bool, complaint string) error {
	if ok {
		return nil
	}
	return fmt.Errorf("%s", complaint)
}

func text(v any) string {
	if v == (absent{}) {
		return "absent"
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}
