//go:build !linux

package logs

import (
	"errors"
	"os"
)

// Only Linux cuts off the front of a file in place, and tells whether a file is in use. Elsewhere rotation copies and
// truncates, and nothing is removed.

func probeCollapse(string) (int64, error) { return 0, nil }

func collapse(*os.File, int64) error { return errors.ErrUnsupported }

func removeClosed(string) (bool, error) { return false, nil }
