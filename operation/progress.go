package operation

import (
	"slices"

	"apron/api"
	"apron/store"
)

// Progress tells which step of the operation is being done or undone just now, empty if none is, and how all of them
// stand. op is as the store has it. It never blocks.
func (w *Worker) Progress(op store.Operation) (step string, steps []api.OperationStep) {
	w.mu.Lock()
	if u := w.underway[op.ID()]; u != nil {
		step = u.step
	}
	w.mu.Unlock()
	if op.Summary.EndedAt != nil {
		step = ""
	}
	list := planOf(op).steps
	at := reached(op, list, step)
	for i, s := range list {
		steps = append(steps, timed(api.OperationStep{Name: s.name, Status: stepStatus(op, i, at)}, op.Times))
	}
	return step, steps
}

// reached is the place of the first step that is not done. Not every step that is done has been saved: those before the
// one under way are.
func reached(op store.Operation, list []step, under string) int {
	if *op.Summary.Status == api.OperationSucceeded {
		return len(list)
	}
	if i := slices.IndexFunc(list, func(s step) bool { return s.name == under }); i >= 0 && op.Failure == "" {
		return i
	}
	if i := slices.IndexFunc(list, func(s step) bool { return !slices.Contains(op.Done, s.name) }); i >= 0 {
		return i
	}
	return len(list)
}

// stepStatus is how the step at i stands when the one at reached is the first that is not done.
func stepStatus(op store.Operation, i, reached int) api.OperationStepStatus {
	switch {
	case i < reached:
		return api.OperationStepSucceeded
	case op.Failure != "" && i == reached:
		return api.OperationStepFailed
	case op.Failure != "":
		return api.OperationStepSkipped
	case i == reached && *op.Summary.Status != api.OperationPending:
		return api.OperationStepInProgress
	}
	return api.OperationStepPending
}
