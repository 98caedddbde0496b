package main_test

import (
	"io"
	"net"
	"os/exec"
	"strings"
	"testing"
)

// A server that sends more than its own head allows is no matter for stderr, which scripts read: AWS's CLI says nothing.
func TestAWSLine_IsQuietAboutServers(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = c.Read(make([]byte, 1<<16))
				_, _ = io.WriteString(c, "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n{}")
				_, _ = io.Copy(io.Discard, c)
			}()
		}
	}()
	cmd := exec.CommandContext(t.Context(), programs.apron, "apprunner", "list-services", "--endpoint-url", "http://"+l.Addr().String(), "--region", "us-east-1", "--no-sign-request")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if stdout, err := cmd.Output(); err != nil || len(stdout) != 0 || stderr.Len() != 0 {
		t.Errorf("%v, %q, %q", err, stdout, stderr.String())
	}
}
