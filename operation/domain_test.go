package operation_test

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"apron/api"
	"apron/operation"
	"apron/store"
)

func (r *rig) associate(arn, name string) {
	r.t.Helper()
	_, err := r.control.AssociateCustomDomain(r.t.Context(), caller, &api.AssociateCustomDomainRequest{ServiceArn: arn, DomainName: name})
	r.accepted(err)
}

func (r *rig) disassociate(arn, name string) {
	r.t.Helper()
	_, err := r.control.DisassociateCustomDomain(r.t.Context(), caller, &api.DisassociateCustomDomainRequest{ServiceArn: arn, DomainName: name})
	r.accepted(err)
}

// domains are the service's, as a client sees them.
func (r *rig) domains(arn string) []api.CustomDomain {
	r.t.Helper()
	synctest.Wait()
	out, err := r.control.DescribeCustomDomains(r.t.Context(), caller, &api.DescribeCustomDomainsRequest{ServiceArn: arn})
	r.accepted(err)
	return out.CustomDomains
}

// TestDomain_GetsItsValidationRecords in the form of the App Runner API reference, section 8.1.
func TestDomain_GetsItsValidationRecords(t *testing.T) {
	tests := map[string][]string{
		"example.com":     {"example.com", "www.example.com", "HOST.example.com"},
		"www.example.com": {"www.example.com", "HOST.www.example.com"},
		"*.example.com":   {"example.com"},
	}
	m := newMachine(t)
	for name, names := range tests {
		t.Run(name, func(t *testing.T) {
			bubbleOn(t, m.another(t), func(r *rig) {
				arn := r.running("web-app")
				host, _, _ := strings.Cut(*r.service(arn).Service.ServiceUrl, ".")
				r.associate(arn, name)
				list := r.domains(arn)
				if len(list) != 1 || list[0].Status != api.CustomDomainPendingCertificateDNSValidation {
					t.Fatalf("domains are %+v, want one that waits for validation", list)
				}
				var got []string
				for _, record := range list[0].CertificateValidationRecords {
					got = append(got, certifiedName(t, record))
				}
				r.wantLines("certified names", got, strings.Split(strings.ReplaceAll(strings.Join(names, " "), "HOST", host), " "))
			})
		})
	}
}

var (
	recordName  = regexp.MustCompile(`^_[0-9a-f]{32}\.(.*)\.$`)
	recordValue = regexp.MustCompile(`^_[0-9a-f]{32}\.[a-z]{10}\.acm-validations\.aws\.$`)
)

// certifiedName is the name that the record proves the ownership of.
func certifiedName(t *testing.T, r api.CertificateValidationRecord) string {
	t.Helper()
	name := recordName.FindStringSubmatch(*r.Name)
	if name == nil || !recordValue.MatchString(*r.Value) || *r.Type != "CNAME" || *r.Status != api.CertificateValidationRecordPendingValidation {
		t.Fatalf("record is %s %s %s, %s", *r.Name, *r.Type, *r.Value, *r.Status)
	}
	return name[1]
}

func TestDomain_KeepsItsRecordsUntilItIsForgotten(t *testing.T) {
	bubble(t, func(r *rig) {
		arn := r.running("web-app")
		r.associate(arn, "example.com")
		first := printRecords(r.domains(arn))
		r.associate(arn, "example.org") // the worker looks at domains again
		if again := printRecords(r.domains(arn)[:1]); again != first {
			t.Errorf("records are %s, were %s", again, first)
		}
		r = r.restart()
		if again := printRecords(r.domains(arn)[:1]); again != first {
			t.Errorf("records are %s after a restart, were %s", again, first)
		}
		r.disassociate(arn, "example.com")
		r.disassociate(arn, "example.org")
		if list := r.domains(arn); len(list) != 0 {
			t.Errorf("domains %+v are left", list)
		}
		r.associate(arn, "example.com")
		if again := printRecords(r.domains(arn)); again == first {
			t.Error("a new association has the records of the old one")
		}
	})
}

func printRecords(domains []api.CustomDomain) string {
	var b strings.Builder
	for _, d := range domains {
		for _, r := range d.CertificateValidationRecords {
			fmt.Fprintln(&b, *r.Name, *r.Value)
		}
	}
	return b.String()
}

// TestDomain_GoesOnAfterARestart has the server end between the answer and what follows it by itself.
func TestDomain_GoesOnAfterARestart(t *testing.T) {
	bubble(t, func(r *rig) {
		arn := r.running("web-app")
		domain := func(service, name string, status api.CustomDomainAssociationStatus) store.Domain {
			return store.Domain{Service: service, Moving: true, Domain: api.CustomDomain{DomainName: name, Status: status}}
		}
		r = r.restartAfter(func(tx *store.Tx) error {
			return errors.Join(
				tx.PutDomain(domain(arn, "new.example.com", api.CustomDomainCreating)),
				tx.PutDomain(domain(arn, "old.example.com", api.CustomDomainDeleting)),
				tx.PutDomain(domain("arn:of:nobody", "lost.example.com", api.CustomDomainCreating)),
			)
		})
		list := r.domains(arn)
		if len(list) != 1 || list[0].DomainName != "new.example.com" || list[0].Status != api.CustomDomainPendingCertificateDNSValidation {
			t.Errorf("domains are %+v; want the new one alone, pending", list)
		}
		r.wantFree("old.example.com", "lost.example.com")
	})
}

func (r *rig) wantFree(names ...string) {
	r.t.Helper()
	r.change(func(tx *store.Tx) error {
		for _, name := range names {
			if d, err := tx.Domain(name); !errors.Is(err, store.ErrNotFound) {
				r.t.Errorf("%s is still held: %+v, %v", name, d, err)
			}
		}
		return nil
	})
}

// TestDelete_FreesTheDomains with the service and not before, wherever the server ends on the way.
func TestDelete_FreesTheDomains(t *testing.T) {
	m := newMachine(t)
	for _, place := range append([]string{"nowhere"}, operation.Places(api.OperationDeleteService)...) {
		t.Run(place, func(t *testing.T) {
			bubbleOn(t, m.another(t), func(r *rig) {
				arn, other := r.running("web-app"), r.running("another")
				r.associate(arn, "example.com")
				r.associate(other, "example.org")
				r.endAt(api.OperationDeleteService, place)
				r.delete(arn)
				if place != "nowhere" {
					r.awaitEnd()
					r = r.restart()
				}
				r.ends(arn, api.OperationSucceeded)
				r.wantFree("example.com")
				if list := r.domains(other); len(list) != 1 {
					t.Errorf("the other service has %+v, want its own domain", list)
				}
				r.associate(other, "example.com")
			})
		})
	}
}

func TestDelete_ThatFails_KeepsTheDomains(t *testing.T) {
	bubble(t, func(r *rig) {
		arn := r.running("web-app")
		r.associate(arn, "example.com")
		first := printRecords(r.domains(arn))
		r.fake.SetDestroyError(func(string) error { return broken("the kernel") })
		r.delete(arn)
		r.ends(arn, api.OperationFailed)
		if again := printRecords(r.domains(arn)); again != first || first == "" {
			t.Errorf("records are %q, were %q", again, first)
		}
		r.fake.SetDestroyError(nil)
	})
}

func TestPause_KeepsTheDomains(t *testing.T) {
	bubble(t, func(r *rig) {
		arn := r.running("web-app")
		r.associate(arn, "example.com")
		before := r.domains(arn)
		r.pause(arn)
		r.ends(arn, api.OperationSucceeded)
		r.resume(arn)
		r.ends(arn, api.OperationSucceeded)
		if after := r.domains(arn); !slices.EqualFunc(before, after, func(a, b api.CustomDomain) bool {
			return a.Status == b.Status && printRecords([]api.CustomDomain{a}) == printRecords([]api.CustomDomain{b})
		}) {
			t.Errorf("domains are %+v, were %+v", after, before)
		}
	})
}
