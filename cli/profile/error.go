package profile

import "fmt"

// ParseError is a file that is no INI file, or says something twice.
type ParseError struct{ Path string }

// Error says it as the AWS CLI does, as do the others of this file.
func (e *ParseError) Error() string { return "Unable to parse config file: " + e.Path }

// ProfileNotFoundError is a profile that was asked for by name and is in neither file.
type ProfileNotFoundError struct{ Profile string }

func (e *ProfileNotFoundError) Error() string {
	return fmt.Sprintf("The config profile (%s) could not be found", e.Profile)
}

// NoRegionError is a call for which nobody says a region.
type NoRegionError struct{}

func (e *NoRegionError) Error() string { return "You must specify a region." }

// NoCredentialsError is a call that must be signed without anything to sign it with.
type NoCredentialsError struct{}

func (e *NoCredentialsError) Error() string { return "Unable to locate credentials" }

// SettingError is a setting of the command line itself with a value that it cannot have; the AWS CLI calls these
// configuration errors, and ends with another code than for the rest.
type SettingError struct{ Message string }

func (e *SettingError) Error() string { return e.Message }

// Error is anything else that is wrong with a configuration.
type Error struct{ Message string }

func (e *Error) Error() string { return e.Message }

func wrong(format string, args ...any) error { return &Error{Message: fmt.Sprintf(format, args...)} }

// partial is a source of credentials that names some of what it needs.
func partial(source, missing string) error {
	return wrong("Partial credentials found in %s, missing: %s", source, missing)
}

// unretrieved is a source of credentials that was asked and gave none.
func unretrieved(source, why string) error {
	return wrong("Error when retrieving credentials from %s: %s", source, why)
}
