package operation

import (
	"slices"
	"time"

	"apron/api"
	"apron/logs"
	"apron/store"
)

// took notes how long a step took, with the phases that it told of. A step that is done again after a restart is noted as
// it was done last.
func (r *run) took(name string, d time.Duration) {
	same := func(t store.Time) bool { return t.Step == name }
	r.op.Times = append(slices.DeleteFunc(slices.Clone(r.op.Times), same), store.Time{Step: name, Took: d, Phases: r.phases})
	r.phases = nil
}

// phase notes how long a part of the step under way took. application says that it is the application's own time.
func (r *run) phase(name string, d time.Duration, application bool) {
	r.phases = append(r.phases, store.Phase{Name: name, Took: d, Application: application})
}

// timed puts into a step what is known of its time.
func timed(s api.OperationStep, times []store.Time) api.OperationStep {
	i := slices.IndexFunc(times, func(t store.Time) bool { return t.Step == s.Name })
	if i < 0 {
		return s
	}
	s.Milliseconds = new(milliseconds(times[i].Took))
	for _, p := range times[i].Phases {
		s.Phases = append(s.Phases, api.OperationPhase{Name: p.Name, Milliseconds: milliseconds(p.Took), Application: p.Application})
	}
	return s
}

// spent is how long a deployment took, and what of it: the phases of its steps, and steps that tell of none.
func spent(op store.Operation) (all time.Duration, parts []logs.Part) {
	for _, t := range op.Times {
		if len(t.Phases) == 0 {
			parts = append(parts, logs.Part{Name: t.Step, Took: t.Took})
		}
		for _, p := range t.Phases {
			parts = append(parts, logs.Part{Name: p.Name, Took: p.Took})
		}
	}
	return op.Summary.EndedAt.Sub(op.Summary.StartedAt.Time), parts
}

func milliseconds(d time.Duration) int { return int(d.Round(time.Millisecond).Milliseconds()) }
