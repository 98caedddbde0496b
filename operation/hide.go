package operation

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"apron/api"
	"apron/store"
)

// An error of the driver or of the machine may quote what an instance was started with, and so the values of the
// service's variables, which are where its secrets are. None of them gets into a record or a log through an operation.

// maxFailure is the length in bytes to which the reason of a failure is cut.
const maxFailure = 2000

// minHidden is the length from which a value is taken for one that could be a secret. Shorter ones, such as "true" and
// "8080", are words of many errors, which would be unreadable without them.
const minHidden = 6

// reason is the error as records, streams and logs may have it.
func (r *run) reason(err error) string {
	text := r.hide(err.Error())
	if len(text) > maxFailure {
		text = strings.ToValidUTF8(text[:maxFailure], "") + "..."
	}
	return text
}

// hide puts a variable's name in the place of its value.
func (r *run) hide(text string) string {
	values := map[string]string{}
	for _, list := range r.variables() {
		for name, value := range list {
			if len(value) >= minHidden {
				values[value] = name
				values[strings.Trim(strconv.Quote(value), `"`)] = name // as %q has it
			}
		}
	}
	longestFirst := func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) }
	for _, value := range slices.SortedFunc(maps.Keys(values), longestFirst) {
		text = strings.ReplaceAll(text, value, "(value of "+values[value]+")")
	}
	return text
}

// variables are those of all that the operation works with: what it brings up and what it goes back to.
func (r *run) variables() (all []map[string]string) {
	all = append(all, variables(r.svc.Service))
	for _, d := range []*store.Deployment{r.op.Target, r.op.Previous, r.svc.Deployed} {
		if d == nil {
			continue
		}
		all = append(all, variables(d.Config))
		if d.Run != nil {
			all = append(all, d.Run.Env)
		}
	}
	return all
}

func variables(s api.Service) map[string]string {
	source := s.SourceConfiguration
	switch {
	case source == nil:
	case source.ImageRepository != nil && source.ImageRepository.ImageConfiguration != nil:
		return source.ImageRepository.ImageConfiguration.RuntimeEnvironmentVariables
	case source.CodeRepository != nil && source.CodeRepository.CodeConfiguration != nil:
		if v := source.CodeRepository.CodeConfiguration.CodeConfigurationValues; v != nil {
			return v.RuntimeEnvironmentVariables
		}
	}
	return nil
}
