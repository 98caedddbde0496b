package verb

import (
	"context"

	"apron/api"
)

// liveLog shows the log of a deployment while it goes on: a build takes long enough to be watched.
type liveLog struct {
	s     *session
	in    *api.ListLogEventsRequest
	lines int // that were shown
}

// liveLog is that of the operation, or nil where it builds nothing and nobody watches.
func (s *session) liveLog(b begun) *liveLog {
	if s.json || b.service == nil || !fromSource(b.service) {
		return nil
	}
	return &liveLog{s: s, in: &api.ListLogEventsRequest{
		ServiceArn: b.arn, Stream: api.LogStreamDeployment, OperationId: &b.operation, Limit: new(mostLines),
	}}
}

// show writes the lines that are new, after it has called clear. A log that can't be read now is asked for the next time.
func (l *liveLog) show(ctx context.Context, clear func()) {
	if l == nil {
		return
	}
	out, err := invoke[api.ListLogEventsResponse](ctx, l.s, "ListLogEvents", l.in)
	if err != nil {
		return
	}
	if l.in.NextToken = &out.NextToken; len(out.Events) > 0 {
		clear()
	}
	for _, e := range out.Events {
		l.s.tell("%s", e.Message)
	}
	l.lines += len(out.Events)
}
