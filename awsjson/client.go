package awsjson

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"apron/api"
)

// Client calls the actions of an API as the AWS CLI does: it signs, it tries again, and its errors are in the CLI's
// words. Only Endpoint must be set. A Client must not be copied; it is safe for concurrent use.
type Client struct {
	Endpoint     string // such as http://127.0.0.1:4566; a path and a query are kept
	Region       string // of the signature
	SigningName  string // of the signature; apprunner if empty
	TargetPrefix string // of X-Amz-Target; if empty, that of the API to which the action belongs
	JSONVersion  string // 1.0 if empty
	UserAgent    string // apron if empty

	// Credentials are asked for before every attempt. Requests are unsigned when the func is nil.
	Credentials func(context.Context) (Credentials, error)

	// HTTP gives the transport and the time limit; nothing else of it is used. Nil stands for a Transport that follows
	// the environment's proxies and gives every read a minute, which all clients share.
	HTTP *http.Client

	Retry Retry

	// Trace is told what happens and in which part, such as botocore.auth, for people who look for a fault. It hears no
	// secret and no signature. It may be nil.
	Trace func(part, format string, args ...any)

	retries retries
	pause   func(context.Context, time.Duration) error // sleep if nil
}

// Credentials are what requests are signed with.
type Credentials struct {
	AccessKeyID, SecretAccessKey string
	SessionToken                 string // empty unless they are temporary
}

// Reply is the answer to an action that succeeded. The body is what arrived: UTF-8, and not necessarily JSON.
type Reply struct {
	Status  int
	Header  http.Header
	Body    []byte
	Retries int // attempts before the one that was answered so
}

// Do calls an action with a body in JSON; an empty one stands for {}. Errors are *APIError when the service refused,
// *ConnectionError when there was no whole answer, *ParseError when the answer makes no sense, *EndpointError, or those of
// Credentials and the context.
func (c *Client) Do(ctx context.Context, action string, body []byte) (*Reply, error) {
	if len(body) == 0 {
		body = []byte("{}")
	}
	request := &retriedRequest{limit: c.Retry.attempts()}
	for {
		if err := c.pace(ctx); err != nil {
			return nil, err
		}
		request.attempt++
		reply, err := c.attempt(ctx, action, body)
		c.hear(err)
		delay, again := c.retries.after(request, err)
		if !again {
			return request.finish(reply, err)
		}
		c.trace(traceRetries, "Attempt %d of %s failed: %v. The next one is in %s.", request.attempt, action, err, delay)
		if err := c.sleep(ctx, delay); err != nil {
			return nil, err
		}
	}
}

// Call calls an action with the shapes of package api. Unlike Do it takes an answer that is not JSON for a failure.
func Call[In, Out any](ctx context.Context, c *Client, action string, in *In) (*Out, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, fmt.Errorf("encode the input of %s: %w", action, err)
	}
	reply, err := c.Do(ctx, action, body)
	if err != nil {
		return nil, err
	}
	out := new(Out)
	if err := json.Unmarshal(reply.Body, out); err != nil {
		return nil, fmt.Errorf("%s answered %s with what is not the action's output: %w. Is that address App Runner's API?", c.Endpoint, action, err)
	}
	return out, nil
}

// attempt sends the action once. A refusal is an *APIError.
func (c *Client) attempt(ctx context.Context, action string, body []byte) (*Reply, error) {
	r, err := c.request(ctx, action, body)
	if err != nil {
		return nil, err
	}
	reply, err := c.exchange(r)
	if err != nil {
		if e, ok := errors.AsType[*ConnectionError](err); ok && e.Kind != FaultProxy {
			e.URL = written(c.Endpoint)
		}
		return nil, err
	}
	c.trace(traceConnection, "%s://%s \"%s %s HTTP/1.1\" %d %d", r.URL.Scheme, r.URL.Host, r.Method, r.URL.RequestURI(), reply.Status, len(reply.Body))
	c.trace(traceParsers, "Response headers: %s", pythonHeaders(reply.Header))
	c.trace(traceParsers, "Response body:\nb'%s'", reply.Body)
	if err := parseReply(reply, action); err != nil {
		return nil, err
	}
	return reply, nil
}

// request makes a signed request.
func (c *Client) request(ctx context.Context, action string, body []byte) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.Endpoint, bytes.NewReader(body))
	if err != nil || r.URL.Host == "" || (r.URL.Scheme != "http" && r.URL.Scheme != "https") {
		return nil, &EndpointError{c.Endpoint}
	}
	r.URL.Path = cmp.Or(r.URL.Path, "/")
	r.URL.Fragment = ""
	r.Host = hostHeader(r.URL)
	r.Header.Set("X-Amz-Target", c.target(action))
	r.Header.Set("Content-Type", "application/x-amz-json-"+cmp.Or(c.JSONVersion, "1.0"))
	r.Header.Set("User-Agent", cmp.Or(c.UserAgent, "apron"))
	r.Header.Set("Accept-Encoding", "identity")
	c.traceRequest(r, action, body)
	if c.Credentials == nil {
		return r, nil
	}
	credentials, err := c.Credentials(ctx)
	if err != nil {
		return nil, err
	}
	c.trace(traceAuth, "Calculating signature using v4 auth.")
	canonical := signRequest(r, body, credentials, cmp.Or(c.SigningName, signingName), c.Region, time.Now())
	if credentials.SessionToken != "" {
		canonical = strings.ReplaceAll(canonical, credentials.SessionToken, "(not shown)")
	}
	c.trace(traceAuth, "CanonicalRequest:\n%s", canonical)
	return r, nil
}

// written is the endpoint as the AWS CLI names it in errors: unlike what is asked for, nothing in it is escaped or left
// out, and it has a path.
func written(endpoint string) string {
	scheme, rest, _ := strings.Cut(endpoint, "://")
	host := rest
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		host = rest[:i]
	}
	after := rest[len(host):]
	if !strings.HasPrefix(after, "/") {
		after = "/" + after
	}
	return strings.ToLower(scheme) + "://" + host + after
}

// EndpointError says that a Client's endpoint is no address of a server.
type EndpointError struct{ Endpoint string }

func (e *EndpointError) Error() string { return "Invalid endpoint: " + e.Endpoint }

// target is the action's name with the prefix of its API.
func (c *Client) target(action string) string {
	if c.TargetPrefix != "" {
		return c.TargetPrefix + "." + action
	}
	if a, known := api.LookupAction(action); known {
		return a.Target
	}
	return targetPrefix + action
}

// hostHeader is the URL's host without the scheme's own port, which no signer counts.
func hostHeader(u *url.URL) string {
	host, port := strings.ToLower(u.Host), u.Port()
	if u.Scheme == "http" && port == "80" || u.Scheme == "https" && port == "443" {
		host = strings.TrimSuffix(host, ":"+port)
	}
	return host
}

// exchange sends the request and reads the whole answer. Errors are *ConnectionError, or the context's.
func (c *Client) exchange(r *http.Request) (*Reply, error) {
	transport, limit := c.transport()
	ctx := r.Context()
	if limit > 0 {
		limited, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		r = r.WithContext(limited)
	}
	c.trace(traceEndpoint, "Sending http request: <AWSPreparedRequest stream_output=False, method=%s, url=%s, headers=%s>", r.Method, r.URL, pythonHeaders(r.Header))
	answer, err := transport.RoundTrip(r) // no redirects: the AWS CLI follows none
	if err != nil {
		return nil, unanswered(ctx, r.URL, err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil && !cutShort(answer, err) {
		return nil, unanswered(ctx, r.URL, err)
	}
	return &Reply{Status: answer.StatusCode, Header: answer.Header, Body: body}, nil
}

// cutShort is for an answer that ends before its Content-Length: the AWS CLI takes what arrived.
func cutShort(answer *http.Response, err error) bool {
	return err == io.ErrUnexpectedEOF && answer.ContentLength >= 0
}

func (c *Client) transport() (http.RoundTripper, time.Duration) {
	if c.HTTP == nil {
		return sharedTransport(), 0
	}
	if c.HTTP.Transport == nil {
		return sharedTransport(), c.HTTP.Timeout
	}
	return c.HTTP.Transport, c.HTTP.Timeout
}

// sleep waits for d or until the context ends.
func (c *Client) sleep(ctx context.Context, d time.Duration) error {
	if c.pause != nil {
		return c.pause(ctx, d)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
