package profile

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// RoleError is a role that cannot be asked for as the profile has it. The AWS CLI ends with the code that it has for
// wrong parameters of a command.
type RoleError struct{ Problems []string }

func (e *RoleError) Error() string {
	return "Parameter validation failed:\n" + strings.Join(e.Problems, "\n")
}

// least is how long a value that is sent to STS must be.
type least struct {
	name, value string
	length      int
}

// check looks at the call before it is made, where input is validated at all: code is what an MFA device shows, and
// token that of a web identity.
func (s *Session) check(c roleCall, code, token string) error {
	wanted, err := s.ParameterValidation()
	if !wanted || err != nil {
		return err
	}
	e := &RoleError{}
	e.lengths(least{"RoleSessionName", c.session, 2}, least{"ExternalId", c.external, 2}, least{"SerialNumber", c.device, 9})
	if c.seconds != nil && *c.seconds < 900 {
		e.Problems = append(e.Problems, fmt.Sprintf("Invalid value for parameter DurationSeconds, value: %d, valid min value: 900", *c.seconds))
	}
	if c.role == "" {
		e.short("RoleArn", 0, 20)
	}
	e.lengths(least{"RoleArn", c.role, 20}, least{"TokenCode", code, 6}, least{"WebIdentityToken", token, 4})
	if e.Problems == nil {
		return nil
	}
	return e
}

// lengths notes the values that are too short; those that are not sent are empty.
func (e *RoleError) lengths(values ...least) {
	for _, v := range values {
		if n := utf8.RuneCountInString(v.value); v.value != "" && n < v.length {
			e.short(v.name, n, v.length)
		}
	}
}

func (e *RoleError) short(name string, length, least int) {
	e.Problems = append(e.Problems, fmt.Sprintf("Invalid length for parameter %s, value: %d, valid min length: %d", name, length, least))
}
