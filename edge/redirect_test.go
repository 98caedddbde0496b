package edge

import (
	"net/http"
	"strings"
	"testing"
)

func redirecting(c *Config) { c.Redirect = true }

func TestRedirect_SendsWhatIsNotTLSToHTTPS(t *testing.T) {
	d := newDoor(t, echo, redirecting)
	for _, p := range []*http.Protocols{protocols((*http.Protocols).SetHTTP1), protocols((*http.Protocols).SetUnencryptedHTTP2)} {
		client := d.client(p)
		for method, status := range map[string]int{"GET": 301, "HEAD": 301, "POST": 308, "DELETE": 308} {
			r, err := http.NewRequestWithContext(t.Context(), method, "http://"+host+":8080/a%2Fb//c?d=e&f", nil)
			if err != nil {
				t.Fatal(err)
			}
			res, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if to := res.Header.Get("Location"); res.StatusCode != status || to != "https://"+host+":8080/a%2Fb//c?d=e&f" {
				t.Errorf("%s by %s: %d to %q, want %d", method, res.Proto, res.StatusCode, to, status)
			}
		}
	}
}

func TestRedirect_IsFollowedByCurl(t *testing.T) {
	d := newDoor(t, echo, redirecting)
	out, err := d.curl("-L", "--post301", "-d", "x", "http://"+host+"/path")
	if err != nil || out != "POST /path https" {
		t.Errorf("curl says %q, %v", out, err)
	}
}

// TestRedirect_LeavesHostsWithoutACertificate to the proxy: a probe by address gets its 404, not a failing handshake.
func TestRedirect_LeavesHostsWithoutACertificate(t *testing.T) {
	d := newDoor(t, echo, redirecting)
	for _, name := range []string{"127.0.0.1", "127.0.0.1:8080", "[::1]", "example.com", "apron.test"} {
		if out, err := d.curl("-i", "-H", "Host: "+name, "http://"+host+"/"); err != nil || !strings.HasPrefix(out, "HTTP/1.1 404") {
			t.Errorf("Host %s: %q, %v", name, out, err)
		}
	}
}
