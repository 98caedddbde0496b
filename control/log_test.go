package control_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"apron/api"
)

// readPages answers with a line that says what was asked for, and takes one step from each place to the next.
func readPages(svc api.Service, stream string, from []byte, limit int) ([]api.LogEvent, []byte, error) {
	return []api.LogEvent{{Stream: stream, Message: fmt.Sprintf("%s from %q, %d lines", svc.ServiceName, from, limit)}}, append(from, '+'), nil
}

func (w *world) log(t *testing.T, in api.ListLogEventsRequest) (line string, next string) {
	t.Helper()
	out, err := w.ListLogEvents(t.Context(), caller, &in)
	if err != nil {
		t.Fatal(err)
	}
	return out.Events[0].Stream + ": " + out.Events[0].Message, out.NextToken
}

func TestListLogEvents_ReadsTheStreamAskedForAndGoesOn(t *testing.T) {
	w := newWorld(t)
	s, last := w.deploying(t, "web-app")
	first := w.first(s.ServiceArn)
	for name, tt := range map[string]struct {
		in     api.ListLogEventsRequest
		stream string
	}{
		"application":     {api.ListLogEventsRequest{Stream: api.LogStreamApplication}, "instance/"},
		"events":          {api.ListLogEventsRequest{Stream: api.LogStreamEvents}, "events"},
		"last deployment": {api.ListLogEventsRequest{Stream: api.LogStreamDeployment}, "deployment/" + last},
		"a deployment":    {api.ListLogEventsRequest{Stream: api.LogStreamDeployment, OperationId: &first}, "deployment/" + first},
	} {
		t.Run(name, func(t *testing.T) {
			tt.in.ServiceArn = s.ServiceArn
			line, next := w.log(t, tt.in)
			if want := tt.stream + `: web-app from "", 100 lines`; line != want {
				t.Errorf("got %s, want %s", line, want)
			}
			for _, place := range []string{"+", "++"} {
				tt.in.NextToken, tt.in.Limit = &next, new(7)
				line, next = w.log(t, tt.in)
				if want := fmt.Sprintf("%s: web-app from %q, 7 lines", tt.stream, place); line != want {
					t.Errorf("got %s, want %s", line, want)
				}
			}
		})
	}
}

// TestListLogEvents_KeepsToTheDeploymentItBeganWith although another one has begun since.
func TestListLogEvents_KeepsToTheDeploymentItBeganWith(t *testing.T) {
	w := newWorld(t)
	s, first := w.deploying(t, "web-app")
	in := api.ListLogEventsRequest{ServiceArn: s.ServiceArn, Stream: api.LogStreamDeployment}
	_, next := w.log(t, in)
	w.finish(t, s.ServiceArn, true)
	out, err := w.StartDeployment(t.Context(), caller, &api.StartDeploymentRequest{ServiceArn: s.ServiceArn})
	if err != nil {
		t.Fatal(err)
	}
	fresh, _ := w.log(t, in)
	in.NextToken = &next
	on, _ := w.log(t, in)
	if !strings.HasPrefix(fresh, "deployment/"+out.OperationId) || !strings.HasPrefix(on, "deployment/"+first) {
		t.Errorf("from the start it reads %s, from the token %s; want %s and %s", fresh, on, out.OperationId, first)
	}
}

func TestListLogEvents_RefusesForeignTokens(t *testing.T) {
	w := newWorld(t)
	s, id := w.deploying(t, "web-app")
	other := w.create(t, "other")
	in := api.ListLogEventsRequest{ServiceArn: s.ServiceArn, Stream: api.LogStreamEvents}
	_, next := w.log(t, in)
	raw, _ := base64.RawURLEncoding.DecodeString(next)
	raw[1] ^= 1
	for name, bad := range map[string]api.ListLogEventsRequest{
		"of another service":    {ServiceArn: other.ServiceArn, Stream: in.Stream, NextToken: &next},
		"of another stream":     {ServiceArn: s.ServiceArn, Stream: api.LogStreamApplication, NextToken: &next},
		"of another deployment": {ServiceArn: s.ServiceArn, Stream: api.LogStreamDeployment, OperationId: &id, NextToken: &next},
		"changed":               {ServiceArn: s.ServiceArn, Stream: in.Stream, NextToken: new(base64.RawURLEncoding.EncodeToString(raw))},
		"short":                 {ServiceArn: s.ServiceArn, Stream: in.Stream, NextToken: new("AQ")},
		"no base64":             {ServiceArn: s.ServiceArn, Stream: in.Stream, NextToken: new("%%")},
	} {
		_, err := w.ListLogEvents(t.Context(), caller, &bad)
		t.Run(name, func(t *testing.T) { wantKind(t, err, api.KindInvalidRequest, "The NextToken is not one") })
	}
	page, err := w.ListOperations(t.Context(), caller, &api.ListOperationsRequest{ServiceArn: s.ServiceArn, MaxResults: new(1)})
	if err != nil {
		t.Fatal(err)
	}
	in.NextToken = page.NextToken
	_, err = w.ListLogEvents(t.Context(), caller, &in)
	wantKind(t, err, api.KindInvalidRequest, "The NextToken is not one")
}

func TestListLogEvents_OfAnOperationWithoutALog_SaysWhereToLook(t *testing.T) {
	w := newWorld(t)
	s := w.create(t, "web-app")
	paused, err := w.PauseService(t.Context(), caller, &api.PauseServiceRequest{ServiceArn: s.ServiceArn})
	if err != nil {
		t.Fatal(err)
	}
	in := api.ListLogEventsRequest{ServiceArn: s.ServiceArn, Stream: api.LogStreamDeployment, OperationId: paused.OperationId}
	_, err = w.ListLogEvents(t.Context(), caller, &in)
	wantKind(t, err, api.KindInvalidRequest, "is a PAUSE_SERVICE, which has no log of its own")
	in.OperationId = new(strings.Repeat("0", 32))
	_, err = w.ListLogEvents(t.Context(), caller, &in)
	wantKind(t, err, api.KindNotFound, "has no operation 0")
	in.Stream = api.LogStreamEvents
	_, err = w.ListLogEvents(t.Context(), caller, &in)
	wantKind(t, err, api.KindInvalidRequest, "goes with Stream DEPLOYMENT alone")
}
