package certs

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func hello(name string) *tls.ClientHelloInfo { return &tls.ClientHelloInfo{ServerName: name} }

func certificate(t *testing.T, ca *CA, name string) *x509.Certificate {
	t.Helper()
	c, err := ca.Certificate(hello(name))
	if err != nil || c == nil {
		t.Fatalf("certificate for %q = %v, %v", name, c, err)
	}
	return c.Leaf
}

func TestCertificate_IsForTheHostsOfServicesAlone(t *testing.T) {
	ca := open(t, t.TempDir())
	for name, valid := range map[string]string{
		"abcde12345.us-east-1.apron.localhost":     "abcde12345.us-east-1.apron.localhost",
		"ABCDE12345.EU-West-1.Apron.LocalHost":     "abcde12345.eu-west-1.apron.localhost",
		"abcde12345.us-gov-west-1.apron.localhost": "abcde12345.us-gov-west-1.apron.localhost",
		"":                                    "any.us-east-1.apron.localhost",
		"apron.localhost":                     "",
		"us-east-1.apron.localhost":           "",
		"a.b.us-east-1.apron.localhost":       "",
		"a.nowhere.apron.localhost":           "",
		"a.us-east-1.apron.localhost.example": "",
		"a.us-east-1.notapron.localhost":      "",
		".us-east-1.apron.localhost":          "",
		"example.com":                         "",
	} {
		c, err := ca.Certificate(hello(name))
		if err != nil || (c != nil) != (valid != "") {
			t.Errorf("certificate for %q: %v, %v", name, c != nil, err)
			continue
		}
		if valid != "" {
			verify(t, ca, c.Leaf, valid)
		}
	}
}

func verify(t *testing.T, ca *CA, leaf *x509.Certificate, host string) {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(ca.Root())
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: host, CurrentTime: time.Now()}); err != nil {
		t.Error(err)
	}
	if out, err := opensslVerify(t, ca, leaf); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestCertificate_IsMadeOnceForARegion(t *testing.T) {
	ca := open(t, t.TempDir())
	a, b := certificate(t, ca, "a.us-east-1."+domain), certificate(t, ca, "b.us-east-1."+domain)
	if !a.Equal(b) {
		t.Error("two services of a region have two certificates")
	}
	if a.Equal(certificate(t, ca, "a.us-east-2."+domain)) {
		t.Error("two regions have one certificate")
	}
}

func TestCertificate_IsRenewedBeforeItRunsOut(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		ca := open(t, dir)
		first := certificate(t, ca, "a.us-east-1."+domain)
		if life := time.Until(first.NotAfter); life > 90*24*time.Hour {
			t.Errorf("holds for %v", life)
		}
		time.Sleep(59 * 24 * time.Hour)
		if !certificate(t, ca, "a.us-east-1."+domain).Equal(first) {
			t.Error("renewed with more than a third of its time left")
		}
		time.Sleep(2 * 24 * time.Hour)
		second := certificate(t, ca, "a.us-east-1."+domain)
		if second.Equal(first) || time.Until(second.NotAfter) < 89*24*time.Hour {
			t.Error("not renewed with less than a third of its time left")
		}
	})
}

func TestCertificate_NeverOutlivesItsAuthority(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		ca := open(t, dir)
		time.Sleep(rootLifetime - 10*24*time.Hour)
		first := certificate(t, ca, "a.us-east-1."+domain)
		if !first.NotAfter.Equal(ca.Root().NotAfter) {
			t.Errorf("holds until %v, the authority until %v", first.NotAfter, ca.Root().NotAfter)
		}
		if !certificate(t, ca, "b.us-east-1."+domain).Equal(first) {
			t.Error("made anew for each handshake")
		}
	})
}

func TestCertificate_OfInventedRegionsFillsNoMemory(t *testing.T) {
	ca := open(t, t.TempDir())
	for i := range 99 {
		for _, place := range []string{"east", "west"} {
			certificate(t, ca, fmt.Sprintf("a.zz-%s-%d.%s", place, i, domain))
		}
	}
	if len(ca.leaves) > mostLeaves {
		t.Errorf("%d certificates are kept", len(ca.leaves))
	}
}
