package main_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// shell runs a script of sh in which $1 is the apron program, $2 the data directory, $3 the service's URL, and returns what it printed.
func (w *world) shell(script string) string {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-euc", script, "sh", programs.apron, w.data, w.url)
	cmd.Env = append(os.Environ(), "HOME="+w.TempDir(), "SUDO_UID=")
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.Fatalf("%v\n%s\n%s", err, out, w.platform.Log())
	}
	return string(out)
}

// trusting trusts and distrusts in a mount namespace of its own, with a copy of the system's store: curl, which reads it, and apron
// itself believe the authority in between, and the user's Chromium does.
const trusting = `
exec unshare --mount --propagation private sh -eu -s "$@" <<'END'
for dir in /etc/ssl/certs /usr/local/share/ca-certificates; do
	copy=$(mktemp -d)
	cp -a $dir/. $copy
	mount --bind $copy $dir
done
mount --bind $(mktemp -d) /etc/ca-certificates/update.d # what else would be told, Java say
db=$HOME/.pki/nssdb
mkdir -p $db
certutil -d sql:$db -N --empty-password
url() { "$1" show web-app --data "$2" | grep '^URL:'; }

! curl -sS https://$3/ || exit 1
url "$@"
"$1" trust --data "$2"
curl -sS https://$3/
url "$@"
certutil -d sql:$db -L | grep 'apron CA'
"$1" trust --data "$2"
"$1" trust --uninstall --data "$2"
! curl -sS https://$3/ || exit 1
url "$@"
END
`

func TestHTTPS_IsBelievedAfterTrust(t *testing.T) {
	w := newWorld(t)
	w.do(create)
	out := w.shell(trusting)
	want := []string{
		"SSL certificate problem", "http://" + w.url, "apron CA for apron.localhost, ", "the system's store", "has it now", "nssdb has it now",
		"Hello", "https://" + w.url, "apron CA", "C,,", "had it already", "nssdb had it already", "does not have it any more", "SSL certificate problem", "http://" + w.url,
	}
	rest := out
	for _, part := range want {
		_, after, found := strings.Cut(rest, part)
		if !found {
			t.Fatalf("no %q in its place in\n%s", part, out)
		}
		rest = after
	}
}

func TestHTTPS_KeepsItsAuthority(t *testing.T) {
	w := newWorld(t)
	w.do(create)
	root := w.shell(`"$1" trust --print --data "$2"`)
	if err := w.platform.Kill(); err != nil {
		t.Fatal(err)
	}
	w.start()
	if again := w.shell(`"$1" trust --print --data "$2"`); again != root || !strings.HasPrefix(root, "-----BEGIN CERTIFICATE") {
		t.Errorf("after the restart the authority is\n%s, before it was\n%s", again, root)
	}
	to := "--connect-to ::" + strings.TrimPrefix(w.platform.Env["APRON_EDGE_URL"], "http://") // its port is another one
	w.curls(`curl -sS --cacert ca.pem --http2 -w ' %{http_version} %{scheme}' `+to+` https://$3/`, "Hello", " 2 HTTPS")
}

// curls runs a line with the platform's authority in ca.pem and wants the answer to begin and end so.
func (w *world) curls(line, begin, end string) {
	w.Helper()
	out := w.shell(`cd "$HOME"; "$1" trust --print --data "$2" >ca.pem; ` + line)
	if !strings.HasPrefix(out, begin) || !strings.HasSuffix(out, end) {
		w.Errorf("%s printed %q, want %q...%q", line, out, begin, end)
	}
}

func TestHTTPS_RedirectsAsAppRunner(t *testing.T) {
	w := newWorld(t, "APRON_HTTPS=redirect")
	w.do(create)
	w.curls(`curl -sS -w '%{http_code} %{redirect_url}' http://$3/a?b=c`, "301 https://"+w.url+"/a?b=c", "")
	w.curls(`curl -sS -w '%{http_code}' -d x http://$3/`, "308", "")
	w.curls(`curl -sS -L --cacert ca.pem -w ' %{scheme}' http://$3/`, "Hello", " HTTPS")
	w.curls(`curl -sS -i -H 'Host: 127.0.0.1' http://$3/`, "HTTP/1.1 404", "")
}

func TestHTTPS_CanBeLeftOut(t *testing.T) {
	w := newWorld(t, "APRON_HTTPS=off")
	w.do(create)
	w.curls(`! curl -sS -k https://$3/ || exit 1; curl -sS http://$3/`, "curl: (35)", "")
	w.answers(200)
}

// TestHTTPS_ServesTheOperatorsCertificate, and the renewed one without a restart.
func TestHTTPS_ServesTheOperatorsCertificate(t *testing.T) {
	dir := t.TempDir()
	renew := `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=mine -addext 'subjectAltName=DNS:*.us-east-1.apron.localhost' ` +
		`-keyout ` + dir + `/key.new -out ` + dir + `/cert.new; mv ` + dir + `/key.new ` + dir + `/key; mv ` + dir + `/cert.new ` + dir + `/cert; `
	if out, err := exec.CommandContext(t.Context(), "sh", "-euc", renew).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	w := newWorld(t, "APRON_TLS_CERT="+dir+"/cert", "APRON_TLS_KEY="+dir+"/key")
	w.do(create)
	get := `curl -sS --cacert ` + dir + `/cert https://$3/`
	if out := w.shell(get); !strings.HasPrefix(out, "Hello") {
		t.Errorf("curl printed %q", out)
	}
	out := w.shell(renew + `for try in $(seq 100); do ` + get + ` && exit; sleep 0.1; done; exit 1`)
	if !strings.Contains(out, "Hello") {
		t.Errorf("curl with the renewed certificate printed %q", out)
	}
}
