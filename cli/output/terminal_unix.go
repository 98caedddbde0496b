//go:build unix

package output

import (
	"os"

	"golang.org/x/sys/unix"
)

// TerminalWidth is how many columns the terminal f has, which may be 0, or 80 where f is none.
func TerminalWidth(f *os.File) int {
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 80
	}
	return int(size.Col)
}
