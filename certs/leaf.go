package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"
)

// DefaultRegion is whose certificate a client gets that names no host, as by address or from a proxy that does not pass the name on.
const DefaultRegion = "us-east-1"

// mostLeaves are kept; each region has one, and no client can fill the memory by naming regions that there are not.
const mostLeaves = 64

var regionName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z]{2}(-[a-z]+){1,2}-[0-9]{1,2}$`) })

// Certificate is the certificate for the handshake that hello begins, for tls.Config.GetCertificate: one for all services of the
// region, or nil when the name is none that services have here. Which services there are is the proxy's to say; a
// paused one answers 404, by TLS too. It makes a certificate where there is none, or not one that holds for long enough.
func (ca *CA) Certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	region := ca.regionOf(hello.ServerName)
	if region == "" {
		return nil, nil
	}
	ca.mu.Lock()
	defer ca.mu.Unlock()
	if leaf := ca.leaves[region]; leaf != nil && ca.fresh(leaf.Leaf) {
		return leaf, nil
	}
	leaf, err := ca.issue(region)
	if err != nil {
		return nil, fmt.Errorf("make certificate for %s: %w", region, err)
	}
	if len(ca.leaves) >= mostLeaves {
		clear(ca.leaves) // made again in less time than a handshake takes
	}
	ca.leaves[region] = leaf
	return leaf, nil
}

// regionOf is the region of a service's host name, "" for any other name.
func (ca *CA) regionOf(host string) string {
	if host == "" {
		return DefaultRegion
	}
	name, below := strings.CutSuffix(strings.ToLower(strings.TrimSuffix(host, ".")), "."+ca.domain)
	label, region, _ := strings.Cut(name, ".")
	if !below || label == "" || !regionName().MatchString(region) {
		return ""
	}
	return region
}

// fresh reports whether more than a third of the certificate's time is left, or all that the authority has to give.
func (ca *CA) fresh(leaf *x509.Certificate) bool {
	if leaf.NotAfter.Equal(ca.root.NotAfter) {
		return time.Now().Before(leaf.NotAfter)
	}
	return time.Until(leaf.NotAfter) > ca.lifetime/3
}

func (ca *CA) issue(region string) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	name := "*." + region + "." + ca.domain
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: newSerial(),
		Subject:      pkix.Name{Organization: []string{"apron"}},
		DNSNames:     []string{name},
		NotBefore:    time.Now().Add(-clockSkew),
		NotAfter:     earlier(time.Now().Add(ca.lifetime), ca.root.NotAfter),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, ca.root, key.Public(), ca.key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, nil
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
