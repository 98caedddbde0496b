package logs

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"
)

// Who speaks in a line of the events and deployment streams.
const (
	SourceAppRunner = "AppRunner"
	SourceBuild     = "Build"
)

const (
	timeForm = "2006-01-02T15:04:05.000Z07:00"
	maxText  = 64 << 10 // bytes of one line's text; more is cut, so that a line stays one write
)

// Event appends "<time> [AppRunner] text" to the service's events.
func (l *Logs) Event(svc Service, text string) error {
	return l.Append(svc, EventsStream, SourceAppRunner, text)
}

// Deployment appends "<time> [AppRunner] text" to the deployment's stream.
func (l *Logs) Deployment(svc Service, operationID, text string) error {
	return l.Append(svc, DeploymentStream(operationID), SourceAppRunner, text)
}

// Append appends one line to a stream, in one write: lines of several writers never mix, and one is whole or absent
// after kill -9. A power loss may take the last lines. Control characters in text are escaped, so that a text is
// one line and can't move a terminal's cursor.
func (l *Logs) Append(svc Service, stream, source, text string) error {
	path, err := l.path(svc, stream)
	if err != nil {
		return err
	}
	if err := l.append(path, formatLine(time.Now(), source, text)); err != nil {
		return fmt.Errorf("write log stream %s of service %s: %w", stream, svc.Name, err)
	}
	return nil
}

func (l *Logs) append(path string, line []byte) error {
	f, err := openAppend(path)
	if err != nil {
		return err
	}
	defer f.Close()
	once, _ := l.mended.LoadOrStore(path, new(sync.Once))
	once.(*sync.Once).Do(func() { err = mend(f) })
	if err != nil {
		l.mended.Delete(path)
		return err
	}
	if _, err = f.Write(line); err != nil {
		l.mended.Delete(path) // a full disk may have taken half of it
	}
	return err
}

func openAppend(path string) (*os.File, error) {
	const flags = os.O_RDWR | os.O_APPEND | os.O_CREATE
	f, err := os.OpenFile(path, flags, 0o600)
	if errors.Is(err, os.ErrNotExist) {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, err
		}
		f, err = os.OpenFile(path, flags, 0o600)
	}
	return f, err
}

// mend ends a line that a crash has torn, so that the next one does not continue it. After a power loss the file may
// end in zeros, for which the data never reached the disk; those go.
func mend(f *os.File) error {
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return err
	}
	tail := make([]byte, min(info.Size(), 1<<20))
	if _, err := f.ReadAt(tail, info.Size()-int64(len(tail))); err != nil {
		return err
	}
	whole := bytes.TrimRight(tail, "\x00")
	if lost := len(tail) - len(whole); lost > 0 {
		if err := f.Truncate(info.Size() - int64(lost)); err != nil {
			return err
		}
	}
	if len(whole) > 0 && whole[len(whole)-1] != '\n' {
		_, err = f.Write([]byte{'\n'})
	}
	return err
}

func formatLine(now time.Time, source, text string) []byte {
	b := make([]byte, 0, len(timeForm)+len(source)+len(text)+8)
	b = now.UTC().AppendFormat(b, timeForm)
	b = append(append(append(b, " ["...), source...), "] "...)
	if rest := len(text) - maxText; rest > 0 {
		text = fmt.Sprintf("%s... (%d bytes more)", text[:maxText], rest)
	}
	return append(appendEscaped(b, text), '\n')
}

// appendEscaped appends text with everything that is not one visible place on a line, save tabs, as a Go escape.
func appendEscaped(b []byte, text string) []byte {
	for i, size := 0, 0; i < len(text); i += size {
		var r rune
		r, size = utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			b = fmt.Appendf(b, `\x%02x`, text[i])
		case r == '\t' || !unicode.IsControl(r) && !unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control):
			b = append(b, text[i:i+size]...)
		default:
			b = append(b, strings.Trim(strconv.QuoteRuneToASCII(r), "'")...)
		}
	}
	return b
}
