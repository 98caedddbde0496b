package terminal

// The keys as a terminal sends them.
const (
	Tab, Enter, Esc     = "\t", "\r", "\x1b"
	CtrlC, CtrlD, CtrlR = "\x03", "\x04", "\x12"

	Up, Down, Left, Home, ShiftTab = "\x1b[A", "\x1b[B", "\x1b[D", "\x1b[H", "\x1b[Z"

	F1, F2, F3, F4, F5 = "\x1bOP", "\x1bOQ", "\x1bOR", "\x1bOS", "\x1b[15~"
)
