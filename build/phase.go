package build

import (
	"time"

	"apron/logs"
)

// Phase is one part of a build and how long it took. What did not happen is not there. In order they are: config, base,
// wait for other builds, prepare (caches), for each stage start (of its instance), the stage's own name for its commands and
// collect (what they changed), image and finish (noting the image, and removing the rest).
type Phase struct {
	Name     string
	Took     time.Duration
	Commands bool // it is the time of the stage's commands, and none of the builder's own
}

// phase begins one; what it returns ends it.
func (w *work) phase(name string) (end func()) { return w.phaseFrom(name, time.Now()) }

func (w *work) phaseFrom(name string, begin time.Time) (end func()) {
	return func() { w.phases = append(w.phases, Phase{Name: name, Took: time.Since(begin)}) }
}

// spent is what the phases took together, and each.
func spent(phases []Phase) (all time.Duration, parts []logs.Part) {
	for _, p := range phases {
		all += p.Took
		parts = append(parts, logs.Part{Name: p.Name, Took: p.Took})
	}
	return all, parts
}
