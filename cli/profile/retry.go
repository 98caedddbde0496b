package profile

import (
	"math"

	"apron/cli/document"
)

// usualAttempts is how often a call is tried where nobody says.
const usualAttempts = 3

// Retry is how calls are repeated: the mode, standard or adaptive, and how often a call is tried in all.
func (s *Session) Retry() (mode string, attempts int, err error) {
	attempts, err = s.attempts()
	if err != nil {
		return "", 0, err
	}
	mode, err = or("standard")(s.first("retry_mode", "AWS_RETRY_MODE"))
	if err != nil {
		return "", 0, err
	}
	if err := s.checkS3(); err != nil {
		return "", 0, err
	}
	return mode, attempts, checkRetry(mode, attempts)
}

// checkS3 looks at a setting that is none of ours. AWS's CLI calls no service while it is wrong.
func (s *Session) checkS3() error {
	values, err := s.scoped()
	if err != nil {
		return err
	}
	s3, _ := values.Get("s3")
	block, ok := s3.(*document.Map)
	if !ok {
		return nil
	}
	style, ok := has(block, "addressing_style")
	if ok && style != "virtual" && style != "auto" && style != "path" {
		return wrong("S3 addressing style %s is invalid. Valid options are: 'auto', 'virtual', and 'path'", style)
	}
	return nil
}

func (s *Session) attempts() (int, error) {
	return s.number("max_attempts", "AWS_MAX_ATTEMPTS", usualAttempts)
}

// checkRetry looks at the values only when both could be read, as AWS's CLI does.
func checkRetry(mode string, attempts int) error {
	if attempts < 1 {
		return wrong(`Value provided to "max_attempts": %d must be an integer greater than or equal to one.`, attempts)
	}
	if mode != "standard" && mode != "adaptive" {
		return wrong(`Invalid value provided to "mode": "%s" must be one of: "standard" or "adaptive"`, mode)
	}
	return nil
}

// number is a setting that is a whole number.
func (s *Session) number(setting, variable string, usual int) (int, error) {
	written, ok, err := s.first(setting, variable)
	if !ok || err != nil {
		return usual, err
	}
	n, err := document.Int(written)
	if err != nil {
		return 0, wrong("%v", err)
	}
	if n, ok := n.(int64); ok && n <= math.MaxInt32 {
		return int(n), nil
	}
	return math.MaxInt32, nil
}
