//go:build !linux

package cli

import "runtime"

// system is the operating system.
func system() string { return runtime.GOOS }
