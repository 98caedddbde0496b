package fleet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"syscall"
)

var errNoAnswer = errors.New("no answer within the health check's timeout")

// probe asks the instance once. The error is the last answer in words for the service's owner.
func (f *Fleet) probe(ctx context.Context, id string, rev Revision) error {
	ctx, cancel := context.WithTimeoutCause(ctx, rev.Health.Timeout, errNoAnswer)
	defer cancel()
	ask := f.probeTCP
	if rev.Health.Protocol == HTTP {
		ask = f.probeHTTP
	}
	err := ask(ctx, id, rev)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("nothing listens on port %d: connection refused", rev.Port)
	default:
		return err
	}
}

// probeTCP is healthy when the connection opens.
func (f *Fleet) probeTCP(ctx context.Context, id string, rev Revision) error {
	conn, err := f.cfg.Driver.Dial(ctx, id, rev.Port)
	if err != nil {
		return err
	}
	return conn.Close()
}

// probeHTTP is healthy on any 2xx or 3xx; redirects are not followed, since they may lead to another host.
func (f *Fleet) probeHTTP(ctx context.Context, id string, rev Revision) error {
	url := "http://127.0.0.1:" + strconv.Itoa(rev.Port) + rev.Health.Path
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", "apron-health-check")
	transport := &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return f.cfg.Driver.Dial(ctx, id, rev.Port)
		},
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode < 200 || resp.StatusCode > 399 {
		return fmt.Errorf("GET %s answered %s", rev.Health.Path, resp.Status)
	}
	return nil
}
