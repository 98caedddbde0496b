package operation

import "apron/api"

// The places that Config.Boundary is told of: each lies between two durable states.
const (
	finishing = "finish"
	finished  = "finish saved"
	gaveUp    = "gave up"
)

func stepDone(s step) string   { return s.name + " done" }
func stepSaved(s step) string  { return s.name + " saved" }
func stepUndone(s step) string { return s.name + " undone" }

// Places lists where an operation of the type can be cut off on its way to success, in order, as Config.Boundary is
// told of them.
func Places(kind api.OperationType) []string { return plans[kind].places() }

// SourcePlaces is Places of a service that is built from source.
func SourcePlaces(kind api.OperationType) []string {
	p := plans[kind]
	p.steps = sourceDeployment
	return p.places()
}

// RollbackPlaces is Places of the update that a rollback is.
func RollbackPlaces() []string { return rollback.places() }

func (p plan) places() (places []string) {
	for _, s := range p.steps {
		places = append(places, stepDone(s))
		if s.saved() {
			places = append(places, stepSaved(s))
		}
	}
	return append(places, finishing, finished)
}

// UndoPlaces lists where an operation of the type can be cut off on its way back, when every step was begun.
func UndoPlaces(kind api.OperationType) []string {
	places := []string{gaveUp}
	for _, s := range plans[kind].steps {
		if s.undo != nil {
			places = append(places, stepUndone(s))
		}
	}
	return append(places, finishing, finished)
}

func (r *run) boundary(place string) {
	if r.cfg.Boundary != nil {
		r.cfg.Boundary(string(r.op.Type()), place)
	}
}
