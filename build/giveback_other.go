//go:build !linux

package build

import "os"

// giveBack does nothing where no builds run.
func giveBack(*os.File, int64) {}
