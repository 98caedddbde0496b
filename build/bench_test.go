//go:build linux && cgo

package build_test

import (
	"fmt"
	"testing"
)

// BenchmarkBuild is what a build costs beside its commands: one of a single command that does nothing, one with a second
// image besides, and one that finds that nothing has changed.
func BenchmarkBuild(b *testing.B) {
	for name, stages := range map[string]map[string][]string{
		"OneInstance":  {"build": {"true"}},
		"TwoInstances": {"build": {"true"}, "pre-run": {"true"}},
	} {
		b.Run(name, func(b *testing.B) {
			r := newRig(b)
			for n := 0; b.Loop(); n++ {
				b.StopTimer()
				req := r.request(files{"apprunner.yaml": yaml(revised, stages), "number": fmt.Sprint(n)})
				b.StartTimer()
				r.must(req)
			}
		})
	}
	b.Run("Unchanged", func(b *testing.B) {
		r := newRig(b)
		req := r.request(files{"apprunner.yaml": yaml(revised, map[string][]string{"build": {"true"}})})
		r.must(req)
		for b.Loop() {
			req.Operation = operationID()
			r.must(req)
		}
	})
}
