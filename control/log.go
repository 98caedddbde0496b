package control

import (
	"bytes"
	"context"
	"crypto/hmac"
	"encoding/base64"

	"apron/api"
	"apron/store"
)

// LogReader reads on in the log of a service from a place that it gave before, or the last lines without one: at most limit
// of them. stream is that of the events, of the requests or of a deployment; one that ends in "/" is all that begin with it.
type LogReader func(svc api.Service, stream string, from []byte, limit int) (events []api.LogEvent, to []byte, err error)

// The streams of ListLogEvents, as package logs names them; that of a deployment has the operation's id behind it.
const (
	eventsStream      = "events"
	accessStream      = "access"
	instanceStreams   = "instance/"
	deploymentStreams = "deployment/"
)

const defaultLogLimit = 100

// ListLogEvents reads the last lines of a log, and from the token on what comes after them. There is always a token: a
// client follows a log by asking again. Of a service that is deleted, as long as it can be described, the logs are there.
func (c *Control) ListLogEvents(ctx context.Context, caller api.Caller, in *api.ListLogEventsRequest) (*api.ListLogEventsResponse, error) {
	var svc api.Service
	var stream string
	err := c.cfg.Store.View(ctx, func(tx *store.Tx) (err error) {
		if svc, err = allow(tx, caller, "ListLogEvents", in.ServiceArn); err != nil {
			return err
		}
		stream, err = streamOf(tx, svc, in)
		return err
	})
	if err != nil {
		return nil, err
	}
	list := c.logPage(caller, in)
	var from []byte
	if in.NextToken != nil {
		if stream, from, err = list.openPlace(*in.NextToken); err != nil {
			return nil, err
		}
	}
	limit := defaultLogLimit
	if in.Limit != nil {
		limit = *in.Limit
	}
	events, to, err := c.cfg.ReadLog(svc, stream, from, limit)
	if err != nil {
		return nil, err
	}
	return &api.ListLogEventsResponse{Events: events, NextToken: list.sealPlace(stream, to)}, nil
}

// streamOf names the stream that the request is for; of deployments the last one, where it names none.
func streamOf(tx *store.Tx, svc api.Service, in *api.ListLogEventsRequest) (string, error) {
	switch {
	case in.OperationId != nil && in.Stream != api.LogStreamDeployment:
		return "", api.InvalidRequest("An OperationId goes with Stream DEPLOYMENT alone, not with %s. Leave it out, or ask for the deployment's log.", in.Stream)
	case in.Stream == api.LogStreamEvents:
		return eventsStream, nil
	case in.Stream == api.LogStreamApplication:
		return instanceStreams, nil
	case in.Stream == api.LogStreamAccess:
		return accessStream, nil
	case in.OperationId != nil:
		op, err := operationOf(tx, svc, *in.OperationId)
		return deploymentStreams + *in.OperationId, orDeploys(op, err)
	}
	op, err := tx.LastDeployment(svc.ServiceArn)
	if err != nil {
		return "", err
	}
	return deploymentStreams + op.ID(), nil
}

// orDeploys refuses operations that have no log of their own.
func orDeploys(op store.Operation, err error) error {
	if err != nil {
		return err
	}
	switch op.Type() {
	case api.OperationCreateService, api.OperationUpdateService, api.OperationStartDeployment:
		return nil
	}
	return api.InvalidRequest("Operation %s is a %s, which has no log of its own. Ask for Stream EVENTS, or describe the operation to see why it failed.", op.ID(), op.Type())
}

func (c *Control) logPage(caller api.Caller, in *api.ListLogEventsRequest) page {
	operation := ""
	if in.OperationId != nil {
		operation = *in.OperationId
	}
	return page{key: c.cfg.TokenKey, list: listName(caller, "ListLogEvents", in.ServiceArn, string(in.Stream), operation)}
}

// A token of a log is its form's number, the stream, a zero byte, the place and the seal. That the stream is in it keeps
// who follows the last deployment at this one when there is another.
const logTokenForm = 2

func (p page) sealPlace(stream string, place []byte) string {
	raw := append([]byte{logTokenForm}, stream...)
	raw = append(append(raw, 0), place...)
	return base64.RawURLEncoding.EncodeToString(append(raw, p.seal(raw)...))
}

func (p page) openPlace(token string) (stream string, place []byte, err error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	body := raw[:max(len(raw)-sealSize, 0)]
	if err != nil || len(body) == 0 || body[0] != logTokenForm || !hmac.Equal(raw[len(body):], p.seal(body)) {
		return "", nil, errToken()
	}
	name, place, _ := bytes.Cut(body[1:], []byte{0})
	return string(name), place, nil
}
