package api

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// InvalidRequests says in one error all that is wrong with a request: one fault in its own words, several in the form
// that AWS lists them in (App Runner API reference, section 9.4). Nil for none.
func InvalidRequests(faults []string) error {
	switch len(faults) {
	case 0:
		return nil
	case 1:
		return InvalidRequest("%s", faults[0])
	}
	var clauses []string
	for _, fault := range faults {
		clauses = append(clauses, strings.TrimSuffix(fault, "."))
	}
	return detected(clauses, len(clauses))
}

// detected lists faults, of which there are total, in one message of at most maxMessage characters, whole faults only.
func detected(faults []string, total int) *Error {
	message := "1 validation error detected: "
	if total > 1 {
		message = fmt.Sprintf("%d validation errors detected: ", total)
	}
	message += faults[0]
	for i, fault := range faults[1:] {
		rest := fmt.Sprintf("; and %d more", total-1-i)
		longer := message + "; " + fault
		if room := maxMessage - utf8.RuneCountInString(rest); utf8.RuneCountInString(longer) > room {
			return InvalidRequest("%s", message+rest)
		}
		message = longer
	}
	if more := total - len(faults); more > 0 {
		message += fmt.Sprintf("; and %d more", more)
	}
	return InvalidRequest("%s", message)
}
