package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// bare allocates the required structures in v and leaves all else zero; full sets every member.
func bare(v reflect.Value, s *shape) {
	for i, m := range s.members {
		if m.required && m.shape.kind == kindStructure {
			bare(allocate(v.Field(i)), m.shape)
		}
	}
}

func allocate(v reflect.Value) reflect.Value {
	if v.Kind() != reflect.Pointer {
		return v
	}
	v.Set(reflect.New(v.Type().Elem()))
	return v.Elem()
}

func full(v reflect.Value, s *shape) {
	v = allocate(v)
	switch s.kind {
	case kindStructure:
		for i, m := range s.members {
			full(v.Field(i), m.shape)
		}
	case kindList:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		full(v.Index(0), s.elem)
	case kindMap:
		v.Set(reflect.ValueOf(map[string]string{"A": "1"}))
	case kindString:
		v.SetString(append(slices.Clone(s.enum), "text")[0])
	case kindInteger:
		v.SetInt(7)
	case kindBoolean:
		v.SetBool(true)
	case kindTimestamp:
		v.Set(reflect.ValueOf(At(time.UnixMilli(1606156014374))))
	}
}

// wire checks what was encoded for a value of shape s.
type wire struct {
	testing.TB
	all bool // every member must be there; otherwise the required ones alone
}

func (w wire) check(s *shape, got any, at string) {
	w.Helper()
	switch s.kind {
	case kindStructure:
		w.members(s, got, at)
	case kindList:
		list, ok := got.([]any)
		if !ok || w.all != (len(list) == 1) {
			w.Errorf("%s is %v", at, got)
			return
		}
		for _, element := range list {
			w.check(s.elem, element, at+"[]")
		}
	case kindMap:
		if !reflect.DeepEqual(got, map[string]any{"A": "1"}) {
			w.Errorf("%s is %v", at, got)
		}
	default:
		w.scalar(s, got, at)
	}
}

func (w wire) members(s *shape, got any, at string) {
	w.Helper()
	object, ok := got.(map[string]any)
	if !ok {
		w.Errorf("%s is %v", at, got)
		return
	}
	var want []string
	for _, m := range s.members {
		if !w.all && !m.required {
			continue
		}
		want = append(want, m.name)
		w.check(m.shape, object[m.name], at+"."+m.name)
	}
	slices.Sort(want)
	if names := slices.Sorted(maps.Keys(object)); !slices.Equal(names, want) {
		w.Errorf("%s has the members %v, want %v", at, names, want)
	}
}

func (w wire) scalar(s *shape, got any, at string) {
	w.Helper()
	ok := false
	switch got := got.(type) {
	case string:
		ok = s.kind == kindString && (!w.all || s.enum == nil || slices.Contains(s.enum, got))
		if lower := lowerCaseOnTheWire[s.name]; w.all && s.enum != nil && lower != (got == strings.ToLower(got)) {
			w.Errorf("%s is %q: lower case is %t on the wire", at, got, lower)
		}
	case bool:
		ok = s.kind == kindBoolean
	case json.Number:
		ok = s.kind == kindInteger || s.kind == kindTimestamp && (!w.all || got == "1606156014.374")
	}
	if !ok {
		w.Errorf("%s is %v (%T)", at, got, got)
	}
}

// App Runner API reference, section 1.
var lowerCaseOnTheWire = map[string]bool{"AutoScalingConfigurationStatus": true, "CustomDomainAssociationStatus": true}

// Every output is written as AWS clients read it: members by the model's names, timestamps as numbers with
// milliseconds, required lists even when they are empty, nothing that is not set, and no null.
func TestOutputs_AreWrittenAsTheModelSays(t *testing.T) {
	for _, action := range everyAction {
		for name, fill := range map[string]func(reflect.Value, *shape){"bare": bare, "full": full} {
			t.Run(fmt.Sprintf("%s %s", action.Name, name), func(t *testing.T) {
				output := reflect.New(action.Output)
				fill(output.Elem(), shapeOf(action.Output))
				body, err := json.Marshal(output.Interface())
				if err != nil {
					t.Fatal(err)
				}
				if bytes.Contains(body, []byte("null")) {
					t.Errorf("there is a null in %s", body)
				}
				var got any
				decoder := json.NewDecoder(bytes.NewReader(body))
				decoder.UseNumber()
				if err := decoder.Decode(&got); err != nil {
					t.Fatal(err)
				}
				wire{t, name == "full"}.check(shapeOf(action.Output), got, action.Name)
			})
		}
	}
}
