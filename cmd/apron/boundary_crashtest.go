//go:build crashtest

package main

import (
	"os"
	"syscall"
)

// boundary kills the server with SIGKILL at the place that APRON_CRASH_AT names, such as "PAUSE_SERVICE drain saved".
func boundary(operation, place string) {
	if os.Getenv("APRON_CRASH_AT") == operation+" "+place {
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // nothing after this place may happen
	}
}
