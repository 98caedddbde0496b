package certs

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"apron/keyring"
)

const rootLifetime = 10 * 365 * 24 * time.Hour

// create writes a new authority to path. Key and certificate are one file, so that there is never one without the other.
func create(path, domain string) error {
	text, err := newAuthority(domain)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return keyring.CreateFile(path, text)
}

// newAuthority makes key and certificate as PEM.
func newAuthority(domain string) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	template := rootTemplate(domain)
	root, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	_ = pem.Encode(&text, &pem.Block{Type: "PRIVATE KEY", Bytes: secret}) // into memory
	_ = pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: root})
	return text.Bytes(), nil
}

// rootTemplate binds the authority to names below the domain: whoever steals its key can pose as nothing else to those who believe it.
// Without the excluded networks it could still certify addresses. Its name has a part of its number, because a machine may believe those
// of several platforms, and stores tell them apart by name.
func rootTemplate(domain string) *x509.Certificate {
	number := newSerial()
	return &x509.Certificate{
		SerialNumber:          number,
		Subject:               pkix.Name{Organization: []string{"apron"}, CommonName: fmt.Sprintf("apron CA for %s, %x", domain, number.Bytes()[:4])},
		NotBefore:             time.Now().Add(-clockSkew),
		NotAfter:              time.Now().Add(rootLifetime),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,

		PermittedDNSDomainsCritical: true,
		PermittedDNSDomains:         []string{domain},
		ExcludedIPRanges:            []*net.IPNet{everything(net.IPv4len), everything(net.IPv6len)},
	}
}

func everything(bytes int) *net.IPNet {
	return &net.IPNet{IP: make(net.IP, bytes), Mask: make(net.IPMask, bytes)}
}

// clockSkew is how far behind a client's clock may be.
const clockSkew = time.Hour

// newSerial is 127 random bits, none of them zero in front, as RFC 5280 asks for.
func newSerial() *big.Int {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[0] = b[0]&0x7f | 0x40
	return new(big.Int).SetBytes(b[:])
}
