package awsjson

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apprunner"

	"apron/api"
)

const clients = 100

// padded answers DescribeService with the ARN asked for and a configuration of about size bytes.
func padded(size int) Handler {
	environment := map[string]string{}
	for i := range size / 2000 {
		environment[fmt.Sprintf("VARIABLE_%d", i)] = strings.Repeat("x", 2000)
	}
	return Handle(func(_ context.Context, _ api.Caller, in *api.DescribeServiceRequest) (*api.DescribeServiceResponse, error) {
		service := testService()
		service.ServiceArn = in.ServiceArn
		service.SourceConfiguration.ImageRepository.ImageConfiguration.RuntimeEnvironmentVariables = environment
		return &api.DescribeServiceResponse{Service: service}, nil
	})
}

// startLimited runs a server behind a mux and with the limits that apron serve sets, and counts its connections.
func startLimited(t *testing.T, describe Handler) (url string, connections *atomic.Int64) {
	t.Helper()
	connections = new(atomic.Int64)
	mux := http.NewServeMux()
	mux.Handle("/", New(Config{Log: slog.New(slog.DiscardHandler), Key: testKeys, Actions: map[string]Handler{"DescribeService": describe}}))
	server := httptest.NewUnstartedServer(mux)
	server.Config.ReadHeaderTimeout = 30 * time.Second
	server.Config.IdleTimeout = 75 * time.Second
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	return server.URL, connections
}

// arnOf is a service of client i, request n.
func arnOf(i, n int) string {
	return fmt.Sprintf("arn:aws:apprunner:us-east-1:%s:service/web-app/%016x%016x", testAccount, i, n)
}

func TestServer_KeepsTheConnectionsOf100Clients(t *testing.T) {
	for name, size := range map[string]int{"small answers": 0, "4 KB": 4_000, "40 KB": 40_000} {
		t.Run(name, func(t *testing.T) {
			url, connections := startLimited(t, padded(size))
			var group sync.WaitGroup
			for i := range clients {
				conn := dial(t, url)
				group.Go(func() { ask(t, url, conn, i, 5) })
			}
			group.Wait()
			if n := connections.Load(); n != clients {
				t.Errorf("%d clients made %d connections", clients, n)
			}
		})
	}
}

// ask has client i ask for n services over its one connection. net/http's client would make another one when load keeps
// it from noticing within 50 ms that its request is written.
func ask(t *testing.T, url string, conn net.Conn, i, n int) {
	reader := bufio.NewReader(conn)
	for n := range n {
		arn := arnOf(i, n)
		body := `{"ServiceArn":"` + arn + `"}`
		if _, err := io.WriteString(conn, signedHead(t, url, body, length(body))+body); err != nil {
			t.Errorf("client %d, request %d: %v", i, n, err)
			return
		}
		response, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Errorf("client %d, request %d: %v", i, n, err)
			return
		}
		answered, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != 200 || !bytes.Contains(answered, []byte(arn)) {
			t.Errorf("client %d, request %d: %d %.300s, %v", i, n, response.StatusCode, answered, err)
		}
	}
}

// No answer breaks off, and each SDK client gets its own.
func TestServer_Serves100SDKClients(t *testing.T) {
	for name, size := range map[string]int{"4 KB": 4_000, "20 KB": 20_000, "200 KB": 200_000} {
		t.Run(name, func(t *testing.T) {
			url, _ := startLimited(t, padded(size))
			client := apprunner.New(apprunner.Options{
				BaseEndpoint: &url, Region: "us-east-1", Retryer: aws.NopRetryer{}, Credentials: testCredentials,
			})
			var group sync.WaitGroup
			for i := range clients {
				group.Go(func() {
					for n := range 2 {
						arn := arnOf(i, n)
						out, err := client.DescribeService(t.Context(), &apprunner.DescribeServiceInput{ServiceArn: &arn})
						if err != nil || *out.Service.ServiceArn != arn {
							t.Errorf("client %d, request %d: %+v, %v", i, n, out, err)
						}
					}
				})
			}
			group.Wait()
		})
	}
}

// The whole way of one DescribeService with a full service behind it: socket, signature, decoding, encoding. Everything
// that the client does is prepared, so that the server is what is measured.
func BenchmarkServer_DescribeSized(b *testing.B) {
	for name, size := range map[string]int{"1KB": 0, "5KB": 4_000} {
		b.Run(name, func(b *testing.B) {
			server := httptest.NewServer(New(Config{Log: slog.New(slog.DiscardHandler), Key: testKeys,
				Actions: map[string]Handler{"DescribeService": padded(size)}}))
			defer server.Close()
			request := []byte(signedHead(b, server.URL, describeBody, length(describeBody)) + describeBody)
			b.ReportAllocs()
			b.SetParallelism(8)
			b.RunParallel(func(pb *testing.PB) { replay(b, pb, server.URL, request) })
		})
	}
}

// replay sends the same request over one connection and looks at no more of an answer than where it ends.
func replay(b *testing.B, pb *testing.PB, url string, request []byte) {
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		b.Error(err)
		return
	}
	defer conn.Close()
	reader := bufio.NewReaderSize(conn, 64<<10)
	for pb.Next() {
		if _, err := conn.Write(request); err != nil {
			b.Error(err)
			return
		}
		if err := skipReply(reader); err != nil {
			b.Error(err)
			return
		}
	}
}

func skipReply(from *bufio.Reader) error {
	length := -1
	for {
		line, err := from.ReadSlice('\n')
		if err != nil {
			return err
		}
		if status, ok := bytes.CutPrefix(line, []byte("HTTP/1.1 ")); ok && !bytes.HasPrefix(status, []byte("200")) {
			return fmt.Errorf("answered %s", line)
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return err
			}
		}
		if len(line) == 2 {
			_, err := from.Discard(length)
			return err
		}
	}
}
