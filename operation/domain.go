package operation

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"apron/api"
	"apron/store"
)

// settleDomains brings new domains to where their owner has to set DNS records, and forgets those that were let go of.
// Nothing looks at those records yet, so no domain goes further: what binds a certificate takes them on from here, from
// pending_certificate_dns_validation over binding_certificate to active.
func settleDomains(tx *store.Tx) error {
	moving, err := tx.MovingDomains()
	if err != nil {
		return err
	}
	for _, row := range moving {
		d := row.Record
		switch d.Domain.Status {
		case api.CustomDomainCreating:
			err = awaitValidation(tx, d)
		case api.CustomDomainDeleting:
			err = tx.DeleteDomain(d.Domain.DomainName)
		default:
			err = fmt.Errorf("domain %s is moving in status %s", d.Domain.DomainName, d.Domain.Status)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// awaitValidation gives the domain the validation records that it keeps as long as it is associated: its owner may have
// set them from the first answer that shows them.
func awaitValidation(tx *store.Tx, d store.Domain) error {
	svc, err := tx.Service(d.Service)
	if errors.Is(err, store.ErrNotFound) {
		return tx.DeleteDomain(d.Domain.DomainName) // nobody can ask for it any more
	}
	if err != nil {
		return err
	}
	for _, name := range certified(d.Domain, svc.Service) {
		d.Domain.CertificateValidationRecords = append(d.Domain.CertificateValidationRecords, validationRecord(name))
	}
	d.Domain.Status, d.Moving = api.CustomDomainPendingCertificateDNSValidation, false
	return tx.PutDomain(d)
}

// certified lists the names that the domain's certificate is for: the domain, its www if that is included, and one that
// has the first part of the service's own host name before it: Copilot waits for three records of a domain with www, and
// what App Runner's third one is for is not documented. A wildcard's certificate covers all of them and is validated
// through the name behind the wildcard.
func certified(d api.CustomDomain, s api.Service) []string {
	if base, wildcard := strings.CutPrefix(d.DomainName, "*."); wildcard {
		return []string{base}
	}
	names := []string{d.DomainName}
	if d.EnableWWWSubdomain {
		names = append(names, "www."+d.DomainName)
	}
	if s.ServiceUrl != nil {
		first, _, _ := strings.Cut(*s.ServiceUrl, ".")
		names = append(names, first+"."+d.DomainName)
	}
	return names
}

// validationRecord makes a DNS record that only the name's owner can set (App Runner API reference, section 8.1).
func validationRecord(name string) api.CertificateValidationRecord {
	zone := make([]byte, 10)
	for i, letter := range []byte(rand.Text()[:len(zone)]) {
		zone[i] = 'a' + letter%26
	}
	return api.CertificateValidationRecord{
		Type:   new("CNAME"),
		Status: new(api.CertificateValidationRecordPendingValidation),
		Name:   new(fmt.Sprintf("_%s.%s.", api.NewID(), name)),
		Value:  new(fmt.Sprintf("_%s.%s.acm-validations.aws.", api.NewID(), zone)),
	}
}
