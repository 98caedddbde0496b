package awsjson

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// The parts of a Client that its Trace hears of, by the names that the AWS CLI's debug output has for them.
const (
	traceEndpoint = "botocore.endpoint"
	traceAuth     = "botocore.auth"
	traceParsers  = "botocore.parsers"
	traceRetries  = "botocore.retries.standard"

	traceConnection = "urllib3.connectionpool"
)

func (c *Client) trace(part, format string, args ...any) {
	if c.Trace != nil {
		c.Trace(part, format, args...)
	}
}

// traceRequest tells what is about to be sent, without what would let others send it.
func (c *Client) traceRequest(r *http.Request, action string, body []byte) {
	if c.Trace == nil {
		return
	}
	c.trace(traceEndpoint, "Making request for OperationModel(name=%s) with params: {'url_path': '%s', 'query_string': '%s', 'method': '%s', 'headers': %s, 'body': b'%s'}",
		action, r.URL.EscapedPath(), r.URL.RawQuery, r.Method, pythonHeaders(r.Header), body)
}

// pythonHeaders writes headers as Python writes a dictionary, sorted by name. Of those that prove who asks, only the
// names are shown.
func pythonHeaders(h http.Header) string {
	var pairs []string
	for name := range h {
		value := h.Get(name)
		if name == "Authorization" || name == "X-Amz-Security-Token" {
			value = "(not shown)"
		}
		pairs = append(pairs, fmt.Sprintf("'%s': '%s'", name, value))
	}
	slices.Sort(pairs)
	return "{" + strings.Join(pairs, ", ") + "}"
}
