package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"golang.org/x/sync/errgroup"

	"apron/aprontest"
)

// request is a signed HTTP request as it is on the wire.
type request []byte

// sign makes the request for an action, good for the five minutes that its signature holds. The server cannot tell it from
// a new one when it is sent again; so the client signs beforehand, and the CPU is the server's.
func sign(ctx context.Context, p *aprontest.Platform, action, body string) (request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.APIURL()+"/", strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("X-Amz-Target", "AppRunner."+action)
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	keys := aws.Credentials{AccessKeyID: p.Env["AWS_ACCESS_KEY_ID"], SecretAccessKey: p.Env["AWS_SECRET_ACCESS_KEY"]}
	hash := sha256.Sum256([]byte(body))
	if err := v4.NewSigner().SignHTTP(ctx, keys, r, hex.EncodeToString(hash[:]), "apprunner", p.Env["AWS_REGION"], time.Now()); err != nil {
		return nil, err
	}
	var wire bytes.Buffer
	err = r.Write(&wire)
	return wire.Bytes(), err
}

// client is one connection to the API that is kept open.
type client struct {
	conn   net.Conn
	reader *bufio.Reader
	body   []byte // of the last answer
}

func dial(ctx context.Context, p *aprontest.Platform) (*client, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", strings.TrimPrefix(p.APIURL(), "http://"))
	if err != nil {
		return nil, err
	}
	return &client{conn: conn, reader: bufio.NewReaderSize(conn, 16<<10)}, nil
}

// answerLimit is how long an answer may take.
const answerLimit = 30 * time.Second

// do sends the request and returns the body of the answer, which must be a success. It reads no more of the head than it
// needs to find the body: what the client saves is the server's to use.
func (c *client) do(r request) ([]byte, error) {
	if err := c.conn.SetDeadline(time.Now().Add(answerLimit)); err != nil {
		return nil, err
	}
	if _, err := c.conn.Write(r); err != nil {
		return nil, err
	}
	status, err := c.reader.ReadString('\n')
	if err != nil {
		return nil, err
	}
	length, err := c.readHead()
	if err != nil {
		return nil, err
	}
	c.body = slices.Grow(c.body[:0], length)[:length]
	if _, err := io.ReadFull(c.reader, c.body); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(status, "HTTP/1.1 200 ") {
		return nil, fmt.Errorf("the server answered %s: %s", strings.TrimSpace(status), c.body)
	}
	return c.body, nil
}

// readHead reads the header fields and returns how long the body is.
func (c *client) readHead() (length int, err error) {
	for {
		line, err := c.reader.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return 0, err
			}
		}
		if len(bytes.TrimSpace(line)) == 0 {
			return length, nil
		}
	}
}

// call signs and sends a request, and decodes the answer.
func (c *client) call(ctx context.Context, p *aprontest.Platform, action, body string, into any) error {
	r, err := sign(ctx, p, action, body)
	if err != nil {
		return err
	}
	answer, err := c.do(r)
	if err != nil {
		return err
	}
	return json.Unmarshal(answer, into)
}

// clients is how many connections send at the same time, each its next request as soon as it has the answer.
const clients = 16

// load sends requests for as long as d over all connections, each its own share of them, over and over, and returns how
// long every answer took.
func load(ctx context.Context, p *aprontest.Platform, requests []request, d time.Duration) ([]time.Duration, error) {
	took := make([][]time.Duration, clients)
	var group errgroup.Group
	end := time.Now().Add(d)
	for i := range clients {
		group.Go(func() error {
			c, err := dial(ctx, p)
			if err != nil {
				return err
			}
			defer c.conn.Close()
			for next := i; ; next += clients {
				begin := time.Now()
				if begin.After(end) || ctx.Err() != nil {
					return context.Cause(ctx)
				}
				if _, err := c.do(requests[next%len(requests)]); err != nil {
					return err
				}
				took[i] = append(took[i], time.Since(begin))
			}
		})
	}
	err := group.Wait()
	var all []time.Duration
	for _, list := range took {
		all = append(all, list...)
	}
	return all, err
}
