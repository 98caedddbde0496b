//go:build linux && cgo

package container

import (
	"fmt"
	"os"
	"runtime"

	"github.com/opencontainers/runc/libcontainer"
	// The C constructor in nsenter joins the namespaces before the Go runtime starts its threads.
	_ "github.com/opencontainers/runc/libcontainer/nsenter"
)

// Package initialisation runs in the order of import paths, so this comes before that of most of what apron links:
// an instance's start does not wait for them.
func init() {
	Init()
	// main keeps the first thread to itself. libcontainer and this package send threads into instances' namespaces
	// and let them end there; Go cannot end the first one, so it would hold an instance's mounts for ever, and
	// /proc/self would show them as this process's own.
	runtime.LockOSThread()
}

// Init turns this process into an instance's first process when the driver has re-executed the binary for that, and
// then never returns. The same goes for the trial of user namespaces. In every other process it does nothing. main calls it first, and so does TestMain.
func Init() {
	if len(os.Args) == 2 && os.Args[1] == "init" && os.Getenv("_LIBCONTAINER_INITPIPE") != "" {
		libcontainer.Init()
	}
	if len(os.Args) == 2 && os.Args[1] == trialArg {
		if err := trial(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
}
