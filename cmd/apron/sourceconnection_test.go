package main_test

import (
	"context"
	"crypto/ed25519"
	"encoding/pem"
	"log/slog"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/apprunner"
	"github.com/aws/aws-sdk-go-v2/service/apprunner/types"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// TestSource_OfAPrivateRepository_IsReadWithTheConnectionsToken over HTTPS, from git's own server, and the token gets into no
// log.
func TestSource_OfAPrivateRepository_IsReadWithTheConnectionsToken(t *testing.T) {
	const token = "plantedplantedplanted"
	git := newGitHost(t, token)
	w := newSourceWorld(t, site("Hello"), []string{"--loopback-hosts", "127.0.0.1"}, "SSL_CERT_FILE="+git.certificate)
	git.dir.Store(filepath.Dir(w.repo.Bare))
	c := code(git.URL + "/web.git")
	if err := w.createCode(c)(t.Context(), w.world); err != nil {
		t.Fatal(err)
	}
	w.ends(types.OperationStatusFailed)
	w.holds(types.ServiceStatusCreateFailed)
	if said := w.said(); !strings.Contains(said, "Failed to pull your application source code.") || !strings.Contains(said, "use a connection") {
		t.Errorf("nothing says what to do about it:\n%s", said)
	}

	made, err := w.client.CreateConnection(t.Context(), &apprunner.CreateConnectionInput{ConnectionName: new("git-host"), ProviderType: types.ProviderTypeGithub})
	if err != nil {
		t.Fatal(err)
	}
	authorizeConnection(t, w.data, token+"\n", "git-host", "--token-stdin", "--host", "127.0.0.1")
	w.do(func(ctx context.Context, _ *world) error {
		_, err := w.client.UpdateService(ctx, &apprunner.UpdateServiceInput{ServiceArn: &w.arn, SourceConfiguration: &types.SourceConfiguration{
			CodeRepository: c, AuthenticationConfiguration: &types.AuthenticationConfiguration{ConnectionArn: made.Connection.ConnectionArn},
		}})
		return err
	})
	w.holds(types.ServiceStatusRunning)
	if strings.Contains(w.platform.Log()+w.said(), token) {
		t.Error("a log shows the token")
	}
	wantNowhere(t, w.data, token)
}

// gitHost is git's own HTTP server over TLS, which wants a token.
type gitHost struct {
	*httptest.Server
	certificate string       // file to trust
	dir         atomic.Value // of the repositories
}

func newGitHost(t *testing.T, token string) *gitHost {
	t.Helper()
	g := &gitHost{certificate: filepath.Join(t.TempDir(), "ca.pem")}
	g.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if _, password, _ := req.BasicAuth(); password != token {
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			http.Error(w, "log in", http.StatusUnauthorized)
			return
		}
		(&cgi.Handler{
			Path: "/usr/lib/git-core/git-http-backend", Logger: slog.NewLogLogger(slog.DiscardHandler, 0),
			Env: []string{"GIT_PROJECT_ROOT=" + g.dir.Load().(string), "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null"},
		}).ServeHTTP(w, req)
	}))
	g.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	g.StartTLS()
	t.Cleanup(g.Close)
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: g.Certificate().Raw})
	if err := os.WriteFile(g.certificate, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return g
}

// TestSource_OverSSH_HoldsTheServerAgainstTheConnectionsKnownHosts: the key of another server is not taken for this one's.
func TestSource_OverSSH_HoldsTheServerAgainstTheConnectionsKnownHosts(t *testing.T) {
	key, keyFile := newSSHKey(t)
	at := shakeHands(t)
	known := filepath.Join(t.TempDir(), "known_hosts")
	signer, err := ssh.ParsePrivateKey([]byte(key))
	if err == nil {
		err = os.WriteFile(known, []byte("# of elsewhere\n"+knownhosts.Line([]string{"git.example.com"}, signer.PublicKey())+"\n"), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	w := newSourceWorld(t, site("Hello"), []string{"--loopback-hosts", at})
	made, err := w.client.CreateConnection(t.Context(), &apprunner.CreateConnectionInput{ConnectionName: new("git-host"), ProviderType: types.ProviderTypeGithub})
	if err != nil {
		t.Fatal(err)
	}
	authorizeConnection(t, w.data, "", "git-host", "--ssh-key", keyFile, "--known-hosts", known, "--host", "127.0.0.1")
	create := createNamed("web-app", &types.SourceConfiguration{
		CodeRepository:              code("ssh://git@" + at + "/web"),
		AuthenticationConfiguration: &types.AuthenticationConfiguration{ConnectionArn: made.Connection.ConnectionArn},
	})
	if err := create(t.Context(), w.world); err != nil {
		t.Fatal(err)
	}
	w.ends(types.OperationStatusFailed)
	w.holds(types.ServiceStatusCreateFailed)
	if said := w.said(); !strings.Contains(said, "the connection's known hosts have none for it") {
		t.Errorf("the connection's known hosts were not looked at:\n%s", said)
	}
}

// shakeHands is a server that begins to speak SSH and goes no further.
func shakeHands(t *testing.T) (addr string) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	config := &ssh.ServerConfig{NoClientAuth: true}
	config.AddHostKey(signer)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _, _, _ = ssh.NewServerConn(c, config)
			}()
		}
	}()
	return l.Addr().String()
}
