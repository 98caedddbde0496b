package source

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-git/go-git/v6/plumbing"

	"apron/spelling"
)

// noBranch says that a branch is missing, and names those that it may have been meant to be.
func noBranch(at address, name string, refs []*plumbing.Reference) *Error {
	var names []string
	for _, r := range refs {
		if branch, ok := strings.CutPrefix(r.Name().String(), "refs/heads/"); ok {
			names = append(names, branch)
		}
	}
	if len(names) == 0 {
		return refuse("%s has no branch %s, and no other branch: it is empty; push a commit to it", at, name)
	}
	near := nearest(name, names)
	hint := fmt.Sprintf("it has %s", strings.Join(near, ", "))
	if n := len(names) - len(near); n > 0 {
		hint += fmt.Sprintf(" and %d more", n)
	}
	return refuse("%s has no branch %s; %s: push the branch, or name one of these", at, name, hint)
}

// nearest gives up to five names, those most like the given one first.
func nearest(name string, names []string) []string {
	names = slices.Clone(names[:min(len(names), 2000)])
	apart := map[string]int{}
	for _, n := range names {
		apart[n] = spelling.Distance(name, n)
	}
	slices.SortStableFunc(names, func(a, b string) int { return apart[a] - apart[b] })
	names = names[:min(len(names), 5)]
	for i := range names {
		if names[i] = oneLine(names[i]); len(names[i]) > 80 {
			names[i] = names[i][:77] + "..."
		}
	}
	return names
}

// tips gives the commits of that branch, or of all branches when none is named; not of more than a server should be asked
// for.
func tips(refs []*plumbing.Reference, branch string) (list []plumbing.Hash) {
	for _, r := range refs {
		name, ok := strings.CutPrefix(r.Name().String(), "refs/heads/")
		if ok && r.Type() == plumbing.HashReference && (branch == "" || name == branch) && len(list) < 50 && !slices.Contains(list, r.Hash()) {
			list = append(list, r.Hash())
		}
	}
	return list
}
