package awsjson

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"apron/api"
)

// event is what one request's line in the log says. It is filled in on the way down and logged once at the end.
type event struct {
	start     time.Time
	requestID string
	action    api.Action
	account   string
	body      []byte // the request's, unpacked; of it, the log shows an ARN at most
	status    int
	errorType string
	cause     error // what the client is not told
}

// log writes the line: failures of ours as errors, everything else as news.
func (e *event) log(ctx context.Context, log *slog.Logger) {
	level := slog.LevelInfo
	if e.status >= 500 {
		level = slog.LevelError
	}
	if !log.Enabled(ctx, level) {
		return // as most are: the rest costs a twentieth of a request
	}
	attrs := []slog.Attr{
		slog.String("action", e.action.Name),
		slog.String("request_id", e.requestID),
		slog.String("account", e.account),
		slog.Int("status", e.status),
		slog.Duration("duration", time.Since(e.start)),
	}
	if arn := serviceARN(e.body); arn != "" {
		attrs = append(attrs, slog.String("service_arn", arn))
	}
	if e.errorType != "" {
		attrs = append(attrs, slog.String("error_type", e.errorType))
	}
	if e.cause != nil {
		attrs = append(attrs, slog.Any("error", e.cause))
	}
	log.LogAttrs(ctx, level, "api request", attrs...)
}

// maxPeek bounds the bodies that serviceARN looks into: one that only names a service is far smaller.
const maxPeek = 4096

// serviceARN returns the service that a small request names, or nothing: it is for the log, so anything that is no ARN
// stays out.
func serviceARN(body []byte) string {
	if len(body) > maxPeek {
		return ""
	}
	var named struct{ ServiceArn string }
	if json.Unmarshal(body, &named) != nil {
		return ""
	}
	if _, err := api.ParseARN(named.ServiceArn, api.ResourceService); err != nil {
		return ""
	}
	return named.ServiceArn
}
