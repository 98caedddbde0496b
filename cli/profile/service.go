package profile

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"apron/cli/document"
)

// ServiceError is a service that was asked for keys and refused; the AWS CLI ends with the same code as when the
// service that was called refuses.
type ServiceError struct {
	Code, Operation, Message string
	Retries                  *int // how often the call was repeated, where that was as often as it may be
}

func (e *ServiceError) Error() string {
	again := ""
	if e.Retries != nil {
		again = " (reached max retries: " + document.Str(int64(*e.Retries)) + ")"
	}
	return "An error occurred (" + e.Code + ") when calling the " + e.Operation + " operation" + again + ": " + e.Message
}

// wait is how long a service that gives keys may take to answer.
const wait = time.Minute

// transport is a client for the services that give keys. It trusts whom the environment and the profile say; the
// command line's options are about the service that is called.
func (s *Session) transport() (*http.Client, error) {
	bundle, verify, err := s.trust(Flags{})
	if err != nil {
		return nil, err
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = &tls.Config{InsecureSkipVerify: !verify}
	if bundle != "" {
		pem, err := os.ReadFile(bundle)
		if err != nil {
			return nil, wrong("Could not find a suitable TLS CA certificate bundle, invalid path: %s", bundle)
		}
		t.TLSClientConfig.RootCAs = x509.NewCertPool()
		t.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem)
	}
	return &http.Client{Transport: t, Timeout: wait}, nil
}

// ask sends a request and returns the answer's status and text.
func ask(ctx context.Context, client *http.Client, method, url string, header map[string]string, body string) (int, string, error) {
	request, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	for name, value := range header {
		request.Header.Set(name, value)
	}
	answer, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	return answer.StatusCode, string(text), err
}
