//go:build linux && cgo

package container

import (
	"bytes"
	"errors"
	"log/slog"
	"testing"

	"github.com/sirupsen/logrus"
)

func TestForward_CarriesLevelTextAndFields(t *testing.T) {
	var out bytes.Buffer
	from := logrus.New()
	from.SetOutput(new(bytes.Buffer))
	from.AddHook(forward{slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{
		Level:       slog.LevelWarn,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr { return without(a, slog.TimeKey) },
	}))})
	from.WithError(errors.New("no")).WithField("at", 3).Warn("a warning")
	from.Error("an error")
	from.Info("not of interest")
	want := "level=WARN msg=libcontainer detail=\"a warning\" at=3 error=no\nlevel=ERROR msg=libcontainer detail=\"an error\"\n"
	if got := out.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func without(a slog.Attr, key string) slog.Attr {
	if a.Key == key {
		return slog.Attr{}
	}
	return a
}
