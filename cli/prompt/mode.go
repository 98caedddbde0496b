package prompt

import (
	"slices"
	"strings"
)

// Mode is when to prompt.
type Mode string

// The modes. Partial prompts after a command that was refused for its arguments.
const (
	Off     Mode = "off"
	On      Mode = "on"
	Partial Mode = "on-partial"
)

const (
	onOption  = "--cli-auto-prompt"
	offOption = "--no-cli-auto-prompt"
)

// BothError is what asking for a prompt and for none says. AWS's prints it like any other refusal of arguments and exits
// with 252.
type BothError struct{}

func (BothError) Error() string {
	return "Both --cli-auto-prompt and --no-cli-auto-prompt cannot be specified at the same time."
}

// Choose returns when to prompt for the arguments given. Help and the version never do. Without an option the setting
// decides, which is that of AWS_CLI_AUTO_PROMPT or else of cli_auto_prompt in the profile; one that is no mode is off. The
// options count wherever they stand, even as another option's value.
func Choose(args []string, setting string) (Mode, error) {
	on, off := slices.Contains(args, onOption), slices.Contains(args, offOption)
	switch {
	case on && off:
		return Off, BothError{}
	case off || slices.Contains(args, "help") || slices.Contains(args, "--version"):
		return Off, nil
	case on:
		return On, nil
	}
	if m := Mode(strings.ToLower(setting)); m == On || m == Partial {
		return m, nil
	}
	return Off, nil
}
