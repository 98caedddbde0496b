package api

import (
	"cmp"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// shape is what the model says about one type. tables_gen.go holds one for each type that a structure reaches.
type shape struct {
	name      string
	kind      shapeKind
	min, max  int // characters, elements or value; set only where the flags below say so
	hasMin    bool
	hasMax    bool
	pattern   *pattern
	enum      []string
	sensitive bool     // the value must appear in no error and no log
	members   []member // kindStructure: in the order of the Go type's fields
	key, elem *shape   // kindMap: both; kindList: elem
}

type shapeKind int

const (
	kindString shapeKind = iota
	kindInteger
	kindBoolean
	kindTimestamp
	kindStructure
	kindList
	kindMap
)

type member struct {
	name     string
	required bool
	shape    *shape
}

// pattern is what the whole of a string must match. It compiles on first use, because RoleArn's repetition of 1000 costs
// more than the rest of a command's start.
type pattern struct {
	re2  string // the model's pattern, translated where RE2 does not know it
	rule string // how the constraint reads in an error
	once sync.Once
	re   *regexp.Regexp
}

func (p *pattern) match(s string) bool { return p.regexp().MatchString(s) }

func (p *pattern) regexp() *regexp.Regexp {
	p.once.Do(func() { p.re = regexp.MustCompile(`\A(?:` + p.re2 + `)\z`) })
	return p.re
}

// shapeOf is the shape of a structure of either API, nil of any other type.
func shapeOf(t reflect.Type) *shape { return cmp.Or(structures()[t], ownStructures()[t]) }

// Action is one operation of an API: App Runner's PauseService and its kin, or one of apron's own.
type Action struct {
	Name   string
	Target string       // as X-Amz-Target names it: AppRunner.PauseService
	Input  reflect.Type // a generated structure, such as PauseServiceRequest
	Output reflect.Type
	Errors []Kind // what the model declares; clients meet any other kind as an untyped failure
}

// ReadOnly reports whether the action changes nothing, whoever calls it.
func (a Action) ReadOnly() bool {
	return strings.HasPrefix(a.Name, "Describe") || strings.HasPrefix(a.Name, "List")
}

var actionsByName = sync.OnceValue(func() map[string]Action {
	byName := map[string]Action{}
	for _, a := range append(slices.Clone(Actions), OwnActions...) {
		byName[a.Name] = a
	}
	return byName
})

// LookupAction returns the action of that exact name, of either API.
func LookupAction(name string) (Action, bool) {
	a, ok := actionsByName()[name]
	return a, ok
}

// LookupTarget returns the action that the header X-Amz-Target names.
func LookupTarget(target string) (Action, bool) {
	_, name, _ := strings.Cut(target, ".")
	a, ok := LookupAction(name)
	return a, ok && a.Target == target
}
