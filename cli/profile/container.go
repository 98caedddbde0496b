package profile

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"apron/cli/document"
)

// containerHosts are those, besides the machine itself, that may be asked for the keys of a container.
var containerHosts = []string{"169.254.170.2", "169.254.170.23", "fd00:ec2::23", "localhost"}

const (
	containerTries = 3
	containerWait  = 2 * time.Second
	containerPause = time.Second
)

// fromContainer asks the service that the container's environment names.
func (s *Session) fromContainer(ctx context.Context) (source, error) {
	where, ok := s.env.lookup("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
	if ok {
		where = "http://169.254.170.2" + where
	} else if where, ok = s.env.lookup("AWS_CONTAINER_CREDENTIALS_FULL_URI"); !ok {
		return nil, nil
	}
	fetch := func(ctx context.Context) (*lease, error) { return s.container(ctx, where) }
	first, err := fetch(ctx)
	if err != nil {
		return nil, err
	}
	return renewed(first, fetch), nil
}

func (s *Session) container(ctx context.Context, where string) (*lease, error) {
	header := map[string]string{"Accept": "application/json"}
	if path := s.env.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); path != "" {
		token, err := os.ReadFile(path)
		if err != nil {
			return nil, unstarted(path, err)
		}
		header["Authorization"] = string(token)
	} else if token, ok := s.env.lookup("AWS_CONTAINER_AUTHORIZATION_TOKEN"); ok {
		header["Authorization"] = token
	}
	if err := checkContainer(where); err != nil {
		return nil, err
	}
	var why string
	for range containerTries {
		var said *document.Map
		if said, why = askContainer(ctx, where, header); said != nil {
			return contained(said)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(containerPause):
		}
	}
	return nil, unretrieved("container-role", "Error retrieving metadata: "+why)
}

// contained are the keys of an answer that has all there must be. AWS's CLI names what is missing and says no more.
func contained(said *document.Map) (*lease, error) {
	for _, name := range []string{"AccessKeyId", "SecretAccessKey", "Token", "Expiration"} {
		if _, ok := said.Get(name); !ok {
			return nil, wrong("%s", document.Repr(name))
		}
	}
	return leased(said, "AccessKeyId", "SecretAccessKey", "Token", "Expiration")
}

// checkContainer refuses to ask anybody but the machine for keys.
func checkContainer(where string) error {
	host := ""
	if u, err := url.Parse(where); err == nil {
		host = u.Hostname()
	}
	if ip := net.ParseIP(host); slices.Contains(containerHosts, host) || ip != nil && ip.IsLoopback() {
		return nil
	}
	return wrong("Unsupported host '%s'.  Can only retrieve metadata from a loopback address or one of these hosts: %s", host, strings.Join(containerHosts, ", "))
}

// askContainer asks once; without an answer it says why.
func askContainer(ctx context.Context, where string, header map[string]string) (said *document.Map, why string) {
	status, text, err := ask(ctx, &http.Client{Timeout: containerWait}, http.MethodGet, where, header, "")
	if err != nil {
		return nil, "Received error when attempting to retrieve ECS metadata: " + unreachable(err, where).Error()
	}
	if status != http.StatusOK {
		return nil, "Received non 200 response (" + document.Str(int64(status)) + ") from ECS metadata: " + text
	}
	value, _ := document.Parse(text)
	if said, ok := value.(*document.Map); ok {
		return said, ""
	}
	return nil, "Unable to parse JSON returned from ECS metadata services"
}
