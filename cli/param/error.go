// Package param makes the parameters of a request of what a command line says, and a result of what the API answers:
// values from files, in JSON or in shorthand, fitted to the shapes of the model and checked against them; skeletons of
// both; and what goes over the wire and comes back. Every text of an error is that of the AWS CLI, down to those that
// its users see because it is written in Python. The command line calls it for one operation at a time.
package param

import "fmt"

// Error is what a command line cannot mean. It ends the AWS CLI with the exit code for wrong parameters, while any
// other error of this package ends it with the one for everything else.
type Error struct{ Message string }

func (e *Error) Error() string { return e.Message }

// wrong is the Error about an option, whose name has its dashes where users see them.
func wrong(option, format string, v ...any) error {
	return &Error{fmt.Sprintf("Error parsing parameter '%s': %s", option, fmt.Sprintf(format, v...))}
}
