package main_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/apprunner"
	"github.com/aws/aws-sdk-go-v2/service/apprunner/types"

	"apron/aprontest"
)

// peer is a platform with the service of aprontest/peer, for clients that the world has made and not we.
type peer struct {
	*world
	host, port string         // of the service's URL; the port is the edge's
	ca         string         // file of the platform's certificate authority
	roots      *x509.CertPool // with it alone
}

// peerProgram builds the service, at its first use.
var peerProgram = sync.OnceValues(func() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	program := filepath.Join(filepath.Dir(programs.apron), "peer")
	return program, aprontest.Build(ctx, "../../aprontest/peer", program)
})

// newPeer starts the platform and so many instances of the service in the named mode, http or grpc.
func newPeer(t *testing.T, mode string, instances int32) *peer {
	t.Helper()
	program, err := peerProgram()
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{world: &world{T: t, data: filepath.Join(t.TempDir(), "data")}}
	p.start()
	t.Cleanup(p.stop)
	img, err := aprontest.Image(program)
	if err == nil {
		_, err = p.platform.Push(t.Context(), img, "peer:1")
	}
	if err != nil {
		t.Fatal(err)
	}
	p.deploy(mode, instances)
	p.trust()
	return p
}

// deploy makes the service and waits until it runs.
func (p *peer) deploy(mode string, instances int32) {
	p.Helper()
	scaling, err := p.client.CreateAutoScalingConfiguration(p.Context(), &apprunner.CreateAutoScalingConfigurationInput{
		AutoScalingConfigurationName: new("peer"), MaxConcurrency: new(int32(100)), MinSize: &instances, MaxSize: &instances,
	})
	if err != nil {
		p.Fatal(err)
	}
	out, err := p.client.CreateService(p.Context(), &apprunner.CreateServiceInput{
		ServiceName:                 new("peer"),
		SourceConfiguration:         source("peer:1", map[string]string{"PEER": mode}),
		AutoScalingConfigurationArn: scaling.AutoScalingConfiguration.AutoScalingConfigurationArn,
	})
	if err != nil {
		p.Fatal(err)
	}
	p.arn = *out.Service.ServiceArn
	p.know(*out.Service.ServiceUrl)
	p.ends(types.OperationStatusSucceeded)
	p.host, p.port, _ = strings.Cut(p.url, ":")
}

// trust learns the platform's certificate authority as a user does.
func (p *peer) trust() {
	p.Helper()
	text, err := p.platform.CA(p.Context())
	if err != nil {
		p.Fatal(err)
	}
	p.roots = x509.NewCertPool()
	if !p.roots.AppendCertsFromPEM(text) {
		p.Fatalf("apron trust --print printed no certificate:\n%s", text)
	}
	p.ca = filepath.Join(p.TempDir(), "ca.pem")
	if err := os.WriteFile(p.ca, text, 0o600); err != nil {
		p.Fatal(err)
	}
}

// edge is where the services' port is reached, whatever the names resolve to.
func (p *peer) edge() string { return "127.0.0.1:" + p.port }

// web is a Go client for the service, over HTTP/1.1.
func (p *peer) web() *http.Client {
	c := p.platform.HTTP()
	transport := c.Transport.(*http.Transport)
	transport.TLSClientConfig = &tls.Config{RootCAs: p.roots}
	transport.MaxIdleConnsPerHost = 0
	c.Timeout = 0 // it would end WebSockets
	return c
}

// eachScheme runs f over cleartext and over TLS.
func (p *peer) eachScheme(f func(t *testing.T, scheme string)) {
	for _, scheme := range []string{"http", "https"} {
		p.Run(scheme, func(t *testing.T) { f(t, scheme) })
	}
}
