package awsjson

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
)

// tlsError is why a server is not trusted, in the words of Python's ssl module and of urllib3.
type tlsError struct{ text string }

func (e *tlsError) Error() string { return e.text }

// loadRoots returns the certificates to trust, nil for the system's.
type loadRoots func() (*x509.CertPool, error)

// bundle reads the certificates of a file, once, when a server is to be verified.
func bundle(path string) loadRoots {
	if path == "" {
		return func() (*x509.CertPool, error) { return nil, nil }
	}
	return sync.OnceValues(func() (*x509.CertPool, error) {
		text, err := os.ReadFile(path)
		if errno, ok := errors.AsType[syscall.Errno](err); ok {
			return nil, &tlsError{pythonErrno(errno)}
		}
		if err != nil {
			return nil, &tlsError{err.Error()}
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(text) {
			return nil, &tlsError{"[X509: NO_CERTIFICATE_OR_CRL_FOUND] no certificate or crl found (_ssl.c:4123)"}
		}
		return pool, nil
	})
}

// verifier checks that a server's certificates are trusted, and then that they are the host's.
type verifier struct {
	host  string
	roots loadRoots
}

func (v verifier) verify(state tls.ConnectionState) error {
	roots, err := v.roots()
	if err != nil {
		return err
	}
	leaf := state.PeerCertificates[0]
	intermediates := x509.NewCertPool()
	for _, c := range state.PeerCertificates[1:] {
		intermediates.AddCert(c)
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: intermediates}); err != nil {
		return &tlsError{"[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: " + untrusted(state.PeerCertificates, err) + " (_ssl.c:992)"}
	}
	host := cmp.Or(state.ServerName, v.host) // it is a proxy's, if it has a name
	if leaf.VerifyHostname(host) != nil {
		return &tlsError{mismatch(host, leaf)}
	}
	return nil
}

// untrusted is OpenSSL's reason for err.
func untrusted(chain []*x509.Certificate, err error) string {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		for i, c := range chain {
			switch {
			case string(c.RawIssuer) != string(c.RawSubject):
			case i == 0:
				return "self-signed certificate"
			default:
				return "self-signed certificate in certificate chain"
			}
		}
		return "unable to get local issuer certificate"
	}
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok && e.Reason == x509.Expired {
		if time.Now().Before(e.Cert.NotBefore) {
			return "certificate is not yet valid"
		}
		return "certificate has expired"
	}
	return err.Error()
}

// mismatch says whose the certificate is instead of the host's.
func mismatch(host string, c *x509.Certificate) string {
	var names []string
	for _, name := range c.DNSNames {
		names = append(names, quoted(name))
	}
	for _, address := range c.IPAddresses {
		names = append(names, quoted(address.String()))
	}
	if names == nil && c.Subject.CommonName != "" {
		names = append(names, quoted(c.Subject.CommonName))
	}
	switch len(names) {
	case 0:
		return "no appropriate commonName or subjectAltName fields were found"
	case 1:
		return "hostname " + quoted(host) + " doesn't match " + names[0]
	}
	return "hostname " + quoted(host) + " doesn't match either of " + strings.Join(names, ", ")
}

// handshakeError is what Python says to a handshake that ended with err.
func handshakeError(err error) error {
	if e, ok := errors.AsType[*tlsError](err); ok {
		return e
	}
	operation, _ := errors.AsType[*net.OpError](err)
	if operation != nil && operation.Op == "remote error" {
		name := cmp.Or(alerts[operation.Err.Error()], strings.TrimPrefix(operation.Err.Error(), "tls: "))
		return &tlsError{"[SSL: " + strings.ToUpper(strings.ReplaceAll(name, " ", "_")) + "] " + name + " (_ssl.c:992)"}
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok || errors.Is(err, http.ErrSchemeMismatch) {
		return &tlsError{"[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:992)"}
	}
	if lostConnection(err) {
		return &tlsError{"TLS/SSL connection has been closed (EOF) (_ssl.c:992)"}
	}
	return err
}

// alerts are the servers' own reasons that people meet, as OpenSSL has them.
var alerts = map[string]string{
	"tls: handshake failure":              "sslv3 alert handshake failure",
	"tls: protocol version not supported": "tlsv1 alert protocol version",
	"tls: internal error":                 "tlsv1 alert internal error",
	"tls: unrecognized name":              "tlsv1 unrecognized name",
	"tls: access denied":                  "tlsv1 alert access denied",
}
