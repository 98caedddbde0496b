//go:build linux && cgo

package container

import (
	"context"
	"io"
	"log/slog"
	"maps"
	"slices"

	"github.com/sirupsen/logrus"
)

// ForwardLogs sends to log what libcontainer and the cgroups module write to the one logger that they share in a process,
// instead of to stderr. It is called once, before New; a later call wins.
func ForwardLogs(log *slog.Logger) {
	hooks := logrus.LevelHooks{}
	hooks.Add(forward{log})
	logrus.StandardLogger().ReplaceHooks(hooks)
	logrus.SetOutput(io.Discard)
}

type forward struct{ log *slog.Logger }

// Levels is all of them: logrus's own level lets infos and worse through to here, and log's decides then.
func (f forward) Levels() []logrus.Level { return logrus.AllLevels }

func (f forward) Fire(e *logrus.Entry) error {
	ctx := e.Context
	if ctx == nil {
		ctx = context.Background()
	}
	level := slogLevel(e.Level)
	if !f.log.Enabled(ctx, level) {
		return nil
	}
	attrs := []slog.Attr{slog.String("detail", e.Message)}
	for _, key := range slices.Sorted(maps.Keys(e.Data)) {
		attrs = append(attrs, slog.Any(key, e.Data[key]))
	}
	f.log.LogAttrs(ctx, level, "libcontainer", attrs...)
	return nil
}

func slogLevel(l logrus.Level) slog.Level {
	switch l {
	case logrus.PanicLevel, logrus.FatalLevel, logrus.ErrorLevel:
		return slog.LevelError
	case logrus.WarnLevel:
		return slog.LevelWarn
	case logrus.InfoLevel:
		return slog.LevelInfo
	}
	return slog.LevelDebug
}
