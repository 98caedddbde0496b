package api

import (
	"strconv"
	"strings"
)

// path is where in a request a value stands. It is a chain, so that walking a valid request builds no strings; nil is
// the request itself.
type path struct {
	parent *path
	name   string
	index  int // from 1, when name is empty: an element of a list
}

func (p *path) member(name string) *path { return &path{parent: p, name: name} }

func (p *path) element(i int) *path { return &path{parent: p, index: i + 1} }

// String spells the path as AWS does in validation errors: instanceConfiguration.memory, tags.1.member.key.
func (p *path) String() string {
	if p == nil {
		return ""
	}
	segment := strconv.Itoa(p.index) + ".member"
	if p.name != "" {
		segment = strings.ToLower(p.name[:1]) + p.name[1:]
	}
	if p.parent == nil {
		return segment
	}
	return p.parent.String() + "." + segment
}
