package operation_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"apron/api"
	"apron/build"
)

// TestTimes_AreThoseOfTheStepsAndTheirPhases, with what had to be tried again, also when the operation has ended long ago.
func TestTimes_AreThoseOfTheStepsAndTheirPhases(t *testing.T) {
	builds(t, func(r *rig) {
		r.shop.set(func(s *script) {
			s.phases = []build.Phase{{Name: "base", Took: 40 * time.Millisecond}, {Name: "build", Took: 2900 * time.Millisecond, Commands: true}}
			s.building = func(context.Context) error { time.Sleep(3 * time.Second); return nil }
		})
		arn := r.source("web-app")
		time.Sleep(time.Second)
		if got, want := shownTimes(r.describe(arn)), "fetch 0, build -, provision -, route -, retire -"; got != want {
			t.Errorf("under way the times are %s, want %s", got, want)
		}
		r.ends(arn, api.OperationSucceeded)
		got := shownTimes(r.describe(arn))
		if want := "fetch 0, build 3000 (base 40, build 2900 application), provision "; !strings.HasPrefix(got, want) || !strings.Contains(got, "health") {
			t.Errorf("the times are %s, want %s...", got, want)
		}
		log := r.deployment(arn)
		if last := log[len(log)-1]; !strings.HasPrefix(last, "Deployed in 3.0 s: base 40 ms, build 2.9 s") {
			t.Errorf("the last line is %q", last)
		}
	})
}

func shownTimes(op *api.Operation) string {
	var list []string
	for _, s := range op.Steps {
		text := s.Name + " -"
		if s.Milliseconds != nil {
			text = fmt.Sprint(s.Name, " ", *s.Milliseconds)
		}
		var phases []string
		for _, p := range s.Phases {
			phases = append(phases, fmt.Sprint(p.Name, " ", p.Milliseconds)+map[bool]string{true: " application"}[p.Application])
		}
		if len(phases) > 0 {
			text += " (" + strings.Join(phases, ", ") + ")"
		}
		list = append(list, text)
	}
	return strings.Join(list, ", ")
}
