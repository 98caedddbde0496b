package yaml

import (
	"fmt"
	"slices"
	"unsafe"

	"apron/cli/document"
)

// anchor is the name of a collection that is in a document more than once.
type anchor struct {
	name    string
	written bool
}

// identity tells one list or object from another that is equal to it.
type identity struct {
	first  unsafe.Pointer
	length int
}

func identify(v any) identity {
	switch v := v.(type) {
	case *document.Map:
		return identity{first: unsafe.Pointer(v), length: -1}
	case []any:
		if cap(v) > 0 {
			return identity{first: unsafe.Pointer(unsafe.SliceData(v)), length: len(v)}
		}
	}
	return identity{}
}

// findShared names what is met more than once in v, in the order in which each is met the second time.
func findShared(v any) map[identity]*anchor {
	f := finder{met: map[identity]bool{}, shared: map[identity]*anchor{}}
	f.visit(v)
	return f.shared
}

type finder struct {
	met    map[identity]bool
	shared map[identity]*anchor
}

func (f *finder) visit(v any) {
	if id := identify(v); id != (identity{}) {
		if f.met[id] {
			f.name(id)
			return
		}
		f.met[id] = true
	}
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			f.visit(item)
		}
	case *document.Map:
		for _, k := range slices.Sorted(slices.Values(v.Keys())) {
			member, _ := v.Get(k)
			f.visit(member)
		}
	}
}

func (f *finder) name(id identity) {
	if f.shared[id] == nil {
		f.shared[id] = &anchor{name: fmt.Sprintf("id%03d", len(f.shared)+1)}
	}
}
