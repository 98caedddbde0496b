package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// modeIdle makes this program the client of idle connections, which has to be in the network namespace of the proxy.
const modeIdle = "idle"

// idleClient is such a client.
type idleClient struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
}

// openIdle opens the connections and returns when each has had its answer.
func (b *bench) openIdle(ctx context.Context, p *peer, r row) (*idleClient, error) {
	args := p.inside([]string{
		b.self, modeIdle, "-address", p.address(r), "-host", b.host(false), "-n", fmt.Sprint(b.idle), fmt.Sprintf("-tls=%v", r.tls),
	})
	c := &idleClient{cmd: exec.CommandContext(ctx, args[0], args[1:]...)}
	var err error
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	var complaint strings.Builder
	c.cmd.Stderr = &complaint
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
		return nil, errors.Join(fmt.Errorf("the client said %q: %w", line, err), c.close(), errors.New(complaint.String()))
	}
	return c, nil
}

// close closes all the connections.
func (c *idleClient) close() error { return errors.Join(c.stdin.Close(), c.cmd.Wait()) }

// holdIdle opens the connections, sends one request over each, says so and holds them until its standard input ends.
func holdIdle(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet(modeIdle, flag.ContinueOnError)
	address := flags.String("address", "", "of the proxy")
	host := flags.String("host", "", "the Host of the requests")
	n := flags.Int("n", 0, "how many connections")
	secure := flags.Bool("tls", false, "whether they speak TLS")
	if err := flags.Parse(args); err != nil {
		return err
	}
	conns := make([]net.Conn, *n)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(16)
	for i := range conns {
		group.Go(func() (err error) {
			conns[i], err = askOnce(ctx, *address, *host, *secure)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	fmt.Println("open")
	_, err := io.Copy(io.Discard, os.Stdin)
	for _, conn := range conns {
		conn.Close()
	}
	return err
}

// askOnce opens a connection that has had one answer and stays open.
func askOnce(ctx context.Context, address, host string, secure bool) (conn net.Conn, err error) {
	if conn, err = new(net.Dialer).DialContext(ctx, "tcp", address); err != nil {
		return nil, err
	}
	if secure {
		conn = tls.Client(conn, &tls.Config{ServerName: host[:strings.IndexByte(host+":", ':')], InsecureSkipVerify: true})
	}
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return nil, err
	}
	if _, err := fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", host); err != nil {
		return nil, err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK || resp.Close {
		return nil, fmt.Errorf("the answer is %s and its connection is kept: %v", resp.Status, !resp.Close)
	}
	return conn, conn.SetDeadline(time.Time{})
}
