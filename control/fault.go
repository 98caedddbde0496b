package control

import (
	"errors"
	"fmt"
	"slices"

	"apron/api"
)

// faults collects what is wrong with a request, so that one answer tells its sender all of it.
type faults []string

// add notes a fault, cause and next step, once.
func (f *faults) add(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(*f, text) {
		*f = append(*f, text)
	}
}

// take notes an error that is the client's to mend, whatever its kind: CreateService may answer a reference that leads
// nowhere as an invalid request alone (App Runner API reference, section 4.5). Any other error it returns.
func (f *faults) take(err error) error {
	e, ok := errors.AsType[*api.Error](err)
	if !ok || e.Kind == api.KindInternal {
		return err
	}
	f.add("%s", e.Message)
	return nil
}

func (f faults) err() error { return api.InvalidRequests(f) }

// shown is a value as a message quotes it.
func shown(value string) string {
	if runes := []rune(value); len(runes) > 64 {
		return fmt.Sprintf("%q", string(runes[:64])+"…")
	}
	return fmt.Sprintf("%q", value)
}
