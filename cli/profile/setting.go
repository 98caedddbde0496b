package profile

import (
	"fmt"
	"strings"

	"apron/cli/document"
)

// Setting returns what the profile in use says under that name, as it is written. A block below the name is no value.
func (s *Session) Setting(name string) (string, bool, error) {
	values, err := s.scoped()
	if err != nil {
		return "", false, err
	}
	return text(values, name)
}

func text(values *document.Map, name string) (string, bool, error) {
	value, _ := values.Get(name)
	written, ok := value.(string)
	return written, ok, nil
}

// has is the value of name, and whether there is one.
func has(values *document.Map, name string) (string, bool) {
	value, ok, _ := text(values, name)
	return value, ok
}

// first looks through the variables in order, then the profile; later of these is asked only when the earlier say
// nothing, so that a profile that is not there is no error where the environment answers.
func (s *Session) first(setting string, variables ...string) (string, bool, error) {
	for _, variable := range variables {
		if value, ok := s.env.lookup(variable); ok {
			return value, true, nil
		}
	}
	return s.Setting(setting)
}

// Output is the format of responses where the command line names none.
func (s *Session) Output() (string, error) {
	return or("json")(s.first("output", "AWS_DEFAULT_OUTPUT"))
}

// Pager is the command that output to a terminal goes through, "" for none.
func (s *Session) Pager() (string, error) {
	pager, ok, err := s.first("cli_pager", "AWS_PAGER")
	if ok || err != nil {
		return pager, err
	}
	if pager, ok := s.env.lookup("PAGER"); ok {
		return pager, nil
	}
	return "less", nil
}

// BinaryFormat is how blobs are given on the command line where that does not say. A profile that is not there is no
// error yet.
func (s *Session) BinaryFormat() (string, error) {
	format, err := lenient(or("base64")(s.Setting("cli_binary_format")))("base64")
	if err != nil {
		return "", err
	}
	if format != "base64" && format != "raw-in-base64-out" {
		return "", wrong("%s", document.Repr(format))
	}
	return format, nil
}

// AutoPrompt is on, on-partial, or anything else for off, where the command line does not say.
func (s *Session) AutoPrompt() string {
	mode, err := or("off")(s.first("cli_auto_prompt", "AWS_CLI_AUTO_PROMPT"))
	if err != nil {
		return "off"
	}
	return strings.ToLower(mode)
}

// TimestampFormat is how times are shown: iso8601 or wire. A profile that is not there is no error yet.
func (s *Session) TimestampFormat() (string, error) {
	format, err := lenient(or("iso8601")(s.Setting("cli_timestamp_format")))("iso8601")
	if err != nil {
		return "", err
	}
	if format != "iso8601" && format != "wire" {
		return "", &SettingError{fmt.Sprintf(
			`Unknown cli_timestamp_format value: %s, valid values are "wire" or "iso8601"`, format)}
	}
	return format, nil
}

// ParameterValidation reports whether input is checked before it is sent.
func (s *Session) ParameterValidation() (bool, error) {
	values, err := s.scoped()
	if err != nil {
		return false, err
	}
	value, ok := values.Get("parameter_validation")
	return !ok || isTrue(value), nil
}

// UserAgent is what requests say of where they come from, beyond the program itself: words to put behind its name.
func (s *Session) UserAgent() (string, error) {
	var words []string
	if place, ok := s.env.lookup("AWS_EXECUTION_ENV"); ok {
		words = append(words, "exec-env/"+place)
	}
	app, ok, err := s.first("sdk_ua_app_id", "AWS_SDK_UA_APP_ID")
	if ok && app != "" {
		words = append(words, "app/"+app)
	}
	return strings.Join(words, " "), err
}

// or gives a setting that nobody made its usual value.
func or(usual string) func(string, bool, error) (string, error) {
	return func(value string, ok bool, err error) (string, error) {
		if err == nil && !ok {
			value = usual
		}
		return value, err
	}
}

// lenient takes the usual value where the profile is not there.
func lenient(value string, err error) func(usual string) (string, error) {
	return func(usual string) (string, error) {
		if _, missing := err.(*ProfileNotFoundError); missing {
			return usual, nil
		}
		return value, err
	}
}

// isTrue reports whether a setting is the word true, in whatever case.
func isTrue(value any) bool {
	text, ok := value.(string)
	return ok && strings.EqualFold(text, "true")
}

// flagged reports whether the setting is true.
func (s *Session) flagged(setting, variable string) (bool, error) {
	value, ok, err := s.first(setting, variable)
	return ok && isTrue(value), err
}
