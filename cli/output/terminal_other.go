//go:build !unix

package output

import "os"

// TerminalWidth is 80, for the reference asks no terminal of other systems.
func TerminalWidth(*os.File) int { return 80 }
