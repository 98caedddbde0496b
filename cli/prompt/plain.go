package prompt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"unicode/utf8"
)

// readLine asks on a terminal that cannot draw. The terminal itself lets the line be edited.
func (c Config) readLine(ctx context.Context, line string) (string, error) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	fmt.Fprint(c.Out, lead+line)
	text, err := c.readKeys(ctx, line)
	if errors.Is(err, ErrEnded) {
		err = ErrInterrupted // Ctrl-D
	}
	if err != nil {
		fmt.Fprintln(c.Out)
	}
	return text, err
}

// readKeys adds to line what an input without a screen holds up to Enter: a script's, or none at all. It reads not one
// byte more, as the rest is the command's. A read cannot be called off, so that one is left behind when the context ends.
func (c Config) readKeys(ctx context.Context, line string) (string, error) {
	keys := make(chan byte)
	go c.readBytes(keys)
	for {
		select {
		case <-ctx.Done():
			return line, ErrInterrupted
		case key, ok := <-keys:
			switch {
			case !ok:
				return line, ErrEnded
			case key == '\r' || key == '\n':
				return strings.ToValidUTF8(line, "\uFFFD"), nil
			case key == ctrlC || key == ctrlD:
				return line, ErrInterrupted
			}
			line = typed(line, key)
		}
	}
}

const (
	ctrlC     = 0x03
	ctrlD     = 0x04
	backspace = 0x08
	erase     = 0x7f
)

func typed(line string, key byte) string {
	switch {
	case key == backspace || key == erase:
		_, size := utf8.DecodeLastRuneInString(line)
		return line[:len(line)-size]
	case key < ' ':
		return line
	}
	return line + string([]byte{key})
}

// readBytes sends each byte up to Enter, and closes keys where the input ends.
func (c Config) readBytes(keys chan<- byte) {
	defer close(keys)
	b := make([]byte, 1)
	for {
		if n, err := c.In.Read(b); err != nil || n == 0 {
			return
		}
		keys <- b[0]
		if b[0] == '\r' || b[0] == '\n' || b[0] == ctrlC || b[0] == ctrlD {
			return
		}
	}
}
