package awsjson

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apprunner"

	"apron/api"
)

// operations answers ListOperations with n operations of the same service, about 240 bytes each.
func operations(n int) Handler {
	return Handle(func(context.Context, api.Caller, *api.ListOperationsRequest) (*api.ListOperationsResponse, error) {
		out := &api.ListOperationsResponse{}
		for range n {
			out.OperationSummaryList = append(out.OperationSummaryList, api.OperationSummary{
				Id: new(api.NewID()), Type: new(api.OperationPauseService), Status: new(api.OperationSucceeded),
				TargetArn: new(testARN), StartedAt: &testTime, EndedAt: &testTime, UpdatedAt: &testTime,
			})
		}
		return out, nil
	})
}

func TestReply_IsPackedForThoseWhoCanUnpackIt(t *testing.T) {
	url, _ := start(t, Config{Actions: map[string]Handler{"ListOperations": operations(20), "ListServices": clientActions()["ListServices"]}})
	tests := map[string]struct {
		action, accept string
		packed         bool
	}{
		"Go":              {"ListOperations", "gzip", true},
		"among others":    {"ListOperations", "deflate, gzip;q=0.5, br", true},
		"botocore":        {"ListOperations", "identity", false},
		"nothing said":    {"ListOperations", "", false},
		"refused":         {"ListOperations", "gzip;q=0.0, identity", false},
		"a similar name":  {"ListOperations", "x-gzip", false},
		"a short answer":  {"ListServices", "gzip", false},
		"a refused input": {"DescribeService", "gzip", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRequest(t, url, tt.action, `{"ServiceArn":"`+testARN+`"}`)
			r.Header.Set("Accept-Encoding", tt.accept) // so that the transport leaves the answer as it came
			response, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			body := io.Reader(response.Body)
			if packed := response.Header.Get("Content-Encoding") == "gzip"; packed != tt.packed {
				t.Fatalf("packed: %t", packed)
			} else if packed {
				if body, err = gzip.NewReader(body); err != nil {
					t.Fatal(err)
				}
			}
			all, err := io.ReadAll(body)
			if err != nil || !json.Valid(all) {
				t.Errorf("got %s, %v", all, err)
			}
		})
	}
}

// late is the worst that load does to aws-sdk-go-v2 and net/http: the goroutine that has written the request's body
// runs on only when the caller has the head of the answer and has closed that body, and the caller reads the answer
// only when that goroutine has ended.
type late struct {
	once   sync.Once
	headed chan struct{} // closed when the answer's head has been delivered
	ended  chan struct{} // closed when the connection is
}

type lateConn struct {
	net.Conn
	*late
	writes int
}

func (c *lateConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if c.writes++; c.writes == 2 { // the first is the head
		<-c.headed
	}
	return n, err
}

func (c *lateConn) Close() error {
	defer c.once.Do(func() { close(c.ended) })
	return c.Conn.Close()
}

type lateBody struct {
	io.ReadCloser
	*late
	began bool
}

func (b *lateBody) Read(p []byte) (int, error) {
	if !b.began {
		b.began = true
		close(b.headed)
		select {
		case <-b.ended:
		case <-time.After(5 * time.Second): // a client that keeps its connection
		}
	}
	return b.ReadCloser.Read(p)
}

// Do makes late a client for one request.
func (l *late) Do(r *http.Request) (*http.Response, error) {
	transport := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		return &lateConn{Conn: conn, late: l}, err
	}}
	response, err := transport.RoundTrip(r)
	if err == nil {
		response.Body = &lateBody{ReadCloser: response.Body, late: l}
	}
	return response, err
}

// A page of answers survives the late client because it is packed. That the same client loses a page that does not fit
// into one read is what makes the packing necessary: when this fails because nothing was lost, the SDK has been mended.
func TestReply_ReachesAnSDKThatClosesItsRequestEarly(t *testing.T) {
	tests := map[string]struct {
		operations int
		lost       bool
	}{
		"one":                {1, false},
		"12, not packed":     {12, false},
		"a page of 20":       {20, false},
		"1000, 20 KB packed": {1000, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(New(Config{Log: slog.New(slog.DiscardHandler), Key: testKeys,
				Actions: map[string]Handler{"ListOperations": operations(tt.operations)}}))
			defer server.Close()
			client := apprunner.New(apprunner.Options{
				BaseEndpoint: new(server.URL), Region: "us-east-1", Retryer: aws.NopRetryer{}, Credentials: testCredentials,
				HTTPClient: &late{headed: make(chan struct{}), ended: make(chan struct{})},
			})
			out, err := client.ListOperations(t.Context(), &apprunner.ListOperationsInput{ServiceArn: new(testARN)})
			switch {
			case tt.lost && (err == nil || !strings.Contains(err.Error(), "use of closed network connection")):
				t.Errorf("got %v", err)
			case !tt.lost && (err != nil || len(out.OperationSummaryList) != tt.operations):
				t.Errorf("got %v", err)
			}
		})
	}
}

var testCredentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: testKey, SecretAccessKey: testSecret}, nil
})
