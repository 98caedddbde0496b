package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// Files is a certificate that the operator has from elsewhere, in files that some program renews: they are read again when they have
// changed. Its methods may be called from many goroutines.
type Files struct {
	log       *slog.Logger
	cert, key string // paths

	mu     sync.Mutex
	pair   *tls.Certificate
	stamps [2]stamp
	looked time.Time
}

// stamp tells whether a file has changed.
type stamp struct {
	modified time.Time
	size     int64
}

// OpenFiles reads the certificate with its chain, and its key, as PEM.
func OpenFiles(log *slog.Logger, cert, key string) (*Files, error) {
	f := &Files{log: log, cert: cert, key: key}
	f.stamps = f.stat()
	pair, err := load(cert, key)
	if err != nil {
		return nil, err
	}
	f.pair, f.looked = pair, time.Now()
	return f, nil
}

func load(cert, key string) (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("read certificate %s with key %s: %w", cert, key, err)
	}
	return &pair, nil
}

// Certificate is the files' certificate where it is for the name that hello asks for, or for any when it asks for none; else
// nil. It is for tls.Config.GetCertificate. Files that have changed and cannot be read are logged, and what was read before goes on.
func (f *Files) Certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	pair := f.current()
	if hello.ServerName == "" || pair.Leaf.VerifyHostname(hello.ServerName) == nil {
		return pair, nil
	}
	return nil, nil
}

// current looks at the files once a second at most.
func (f *Files) current() *tls.Certificate {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.looked) < time.Second {
		return f.pair
	}
	f.looked = time.Now()
	if now := f.stat(); now != f.stamps {
		f.stamps = now
		f.reload()
	}
	return f.pair
}

func (f *Files) reload() {
	pair, err := load(f.cert, f.key)
	if err != nil {
		f.stamps = [2]stamp{} // one of the two may be on its way: look again
		f.log.LogAttrs(context.Background(), slog.LevelWarn, "the certificate's files have changed and can't be read; the one before is served",
			slog.Any("error", err), slog.Time("not_after", f.pair.Leaf.NotAfter))
		return
	}
	f.pair = pair
	f.log.LogAttrs(context.Background(), slog.LevelInfo, "the certificate's files have changed and are served", slog.Time("not_after", pair.Leaf.NotAfter))
}

func (f *Files) stat() (s [2]stamp) {
	for i, path := range []string{f.cert, f.key} {
		if info, err := os.Stat(path); err == nil {
			s[i] = stamp{info.ModTime(), info.Size()}
		}
	}
	return s
}

// Check finds what clients would refuse, before they do: that the certificate has run out, or is for no service's name below the domain.
func (f *Files) Check(domain string) error {
	leaf := f.current().Leaf
	if time.Now().After(leaf.NotAfter) {
		return fmt.Errorf("the certificate in %s has run out on %v; renew it", f.cert, leaf.NotAfter.Format(time.DateOnly))
	}
	name := "x." + DefaultRegion + "." + domain
	if err := leaf.VerifyHostname(name); err != nil {
		if _, mismatch := errors.AsType[x509.HostnameError](err); mismatch {
			return fmt.Errorf("the certificate in %s is for %q and for no service here: it has to be for *.%s.%s, and for each other region that is used", f.cert, leaf.DNSNames, DefaultRegion, domain)
		}
		return fmt.Errorf("the certificate in %s: %w", f.cert, err)
	}
	return nil
}
