package control_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"apron/api"
	"apron/store"
)

func (w *world) associate(t *testing.T, arn, name string, www *bool) (*api.AssociateCustomDomainResponse, error) {
	return w.AssociateCustomDomain(t.Context(), caller, &api.AssociateCustomDomainRequest{ServiceArn: arn, DomainName: name, EnableWWWSubdomain: www})
}

func (w *world) associated(t *testing.T, arn, name string, www *bool) api.CustomDomain {
	t.Helper()
	out, err := w.associate(t, arn, name, www)
	if err != nil {
		t.Fatal(err)
	}
	return *out.CustomDomain
}

// domains are the names and statuses that DescribeCustomDomains shows.
func (w *world) domains(t *testing.T, arn string) (list []string) {
	t.Helper()
	out, err := w.DescribeCustomDomains(t.Context(), caller, &api.DescribeCustomDomainsRequest{ServiceArn: arn})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range out.CustomDomains {
		list = append(list, d.DomainName+" "+string(d.Status))
	}
	return list
}

func TestAssociateCustomDomain_AnswersAtOnceWithoutRecords(t *testing.T) {
	w := newWorld(t)
	s := w.create(t, "web-app")
	out, err := w.associate(t, s.ServiceArn, "Example.COM.", nil)
	if err != nil {
		t.Fatal(err)
	}
	d := out.CustomDomain
	if d.DomainName != "example.com" || !d.EnableWWWSubdomain || d.Status != api.CustomDomainCreating || d.CertificateValidationRecords != nil {
		t.Errorf("domain is %+v; want example.com with www, creating, without records", d)
	}
	if out.DNSTarget != *s.ServiceUrl || out.ServiceArn != s.ServiceArn || len(out.VpcDNSTargets) != 0 {
		t.Errorf("answer is %+v, want the target %s", out, *s.ServiceUrl)
	}
	if text := printed(t, out); !strings.Contains(text, `"VpcDNSTargets": []`) || strings.Contains(text, "CertificateValidationRecords") {
		t.Errorf("on the wire:\n%s\nwant VpcDNSTargets to be there and the records not", text)
	}
	if w.settle != 1 {
		t.Errorf("told to move on %d times, want once", w.settle)
	}
}

func TestAssociateCustomDomain_ShowsTargetsInsideVPCs(t *testing.T) {
	w := newWorld(t)
	s := w.create(t, "web-app")
	connection := api.ARN{Region: caller.Region, Account: caller.Account, Kind: api.ResourceVpcIngressConnection, Name: "private", ID: api.NewID()}
	w.change(t, func(tx *store.Tx) error {
		return store.PutResource(tx, store.Resource[api.VpcIngressConnection]{ARN: connection, Service: s.ServiceArn, Record: api.VpcIngressConnection{
			VpcIngressConnectionArn: new(connection.String()), DomainName: new("a1.us-east-1.apron.localhost"), Status: new(api.VpcIngressConnectionAvailable),
			IngressVpcConfiguration: &api.IngressVpcConfiguration{VpcId: new("vpc-1")},
		}})
	})
	want := printed(t, []api.VpcDNSTarget{{
		VpcIngressConnectionArn: new(connection.String()), VpcId: new("vpc-1"), DomainName: new("a1.us-east-1.apron.localhost"),
	}})
	made, err := w.associate(t, s.ServiceArn, "example.com", nil)
	if err != nil || printed(t, made.VpcDNSTargets) != want {
		t.Errorf("associated: %v, %+v; want %s", err, made, want)
	}
	shown, err := w.DescribeCustomDomains(t.Context(), caller, &api.DescribeCustomDomainsRequest{ServiceArn: s.ServiceArn})
	if err != nil || printed(t, shown.VpcDNSTargets) != want {
		t.Errorf("described: %v, %+v; want %s", err, shown, want)
	}
}

func TestAssociateCustomDomain_KnowsDomainNames(t *testing.T) {
	long := strings.Repeat("a", 63)
	tests := map[string]struct {
		name string
		www  *bool
		want string // the domain with +www if that is included, or a part of the refusal
	}{
		"root":                 {"example.com", nil, "example.com +www"},
		"root without www":     {"example.com", new(false), "example.com"},
		"below":                {"admin.login.example.com", new(true), "admin.login.example.com +www"},
		"international":        {"xn--bcher-kva.example", nil, "xn--bcher-kva.example +www"},
		"digits":               {"4.example.com", nil, "4.example.com +www"},
		"www":                  {"www.example.com", nil, "www.example.com"},
		"www of www":           {"www.example.com", new(true), "www.example.com +www"},
		"wildcard":             {"*.example.com", nil, "*.example.com"},
		"wildcard, told":       {"*.example.com", new(false), "*.example.com"},
		"wildcard with www":    {"*.example.com", new(true), "Set EnableWWWSubdomain to false"},
		"wildcard inside":      {"login.*.example.com", nil, "a wildcard can only be the first"},
		"two wildcards":        {"*.*.example.com", nil, "a wildcard can only be the first"},
		"part of a label":      {"a*.example.com", nil, "a wildcard can only be the first"},
		"wildcard of all":      {"*", nil, "a wildcard can only be the first"},
		"wildcard of com":      {"*.com", nil, "it needs a dot"},
		"one label":            {"localhost", nil, "it needs a dot"},
		"dot alone":            {".", nil, "it needs a dot"},
		"two dots":             {"example..com", nil, "each part between the dots"},
		"dot first":            {".example.com", nil, "each part between the dots"},
		"two dots last":        {"example.com..", nil, "each part between the dots"},
		"hyphen first":         {"-a.example.com", nil, "no hyphen at either end"},
		"hyphen last":          {"a-.example.com", nil, "no hyphen at either end"},
		"63 letters":           {long + ".com", nil, long + ".com +www"},
		"64 letters":           {"a" + long + ".com", nil, "1 to 63"},
		"too long":             {strings.Repeat("a.", 104) + "a", nil, "too long"},
		"as long as it may be": {strings.Repeat("a.", 103) + "aa", nil, "+www"},
		"address":              {"192.0.2.1", nil, "as addresses do"},
		"the platform's":       {"apron.localhost", nil, "where services get their own host names"},
		"a service's":          {"abcdefghij.us-east-1.apron.localhost", nil, "where services get their own host names"},
		"all services'":        {"*.apron.localhost", nil, "where services get their own host names"},
		"like the platform's":  {"my-apron.localhost", nil, "my-apron.localhost +www"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			arn := w.create(t, "web-app").ServiceArn
			out, err := w.associate(t, arn, tt.name, tt.www)
			got := fmt.Sprint(err)
			if err == nil {
				got = out.CustomDomain.DomainName + map[bool]string{true: " +www"}[out.CustomDomain.EnableWWWSubdomain]
			} else {
				wantKind(t, err, api.KindInvalidRequest, tt.name)
			}
			if !strings.Contains(got, tt.want) {
				t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
			}
		})
	}
}

func TestAssociateCustomDomain_LeadsANameToOneService(t *testing.T) {
	tests := map[string]struct {
		held    string
		heldWWW bool
		name    string
		www     bool
		taken   string // the host that is taken; empty if there is room
	}{
		"the same":              {"example.com", false, "example.com", false, "example.com"},
		"in another case":       {"example.com", false, "EXAMPLE.com", false, "example.com"},
		"the www of another":    {"example.com", true, "www.example.com", false, "www.example.com"},
		"www of its own":        {"www.example.com", false, "example.com", true, "www.example.com"},
		"no www here":           {"example.com", false, "www.example.com", false, ""},
		"no www there":          {"www.example.com", false, "example.com", false, ""},
		"below":                 {"example.com", true, "login.example.com", true, ""},
		"wildcard beside names": {"login.example.com", false, "*.example.com", false, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			one, two := w.create(t, "service-one").ServiceArn, w.create(t, "service-two").ServiceArn
			w.associated(t, one, tt.held, &tt.heldWWW)
			for _, arn := range []string{one, two} {
				_, err := w.associate(t, arn, tt.name, &tt.www)
				if tt.taken == "" {
					if err != nil {
						t.Error(err)
					}
					return
				}
				wantKind(t, err, api.KindInvalidRequest, tt.taken+" is already associated with service "+one)
			}
			if got := w.domains(t, two); len(got) != 0 {
				t.Errorf("the second service has %q", got)
			}
		})
	}
}

func TestAssociateCustomDomain_TellsNothingOfOtherAccounts(t *testing.T) {
	w := newWorld(t)
	w.associated(t, w.create(t, "secret-name").ServiceArn, "example.com", nil)
	for name, other := range map[string]api.Caller{
		"account": {Account: "210987654321", Region: caller.Region, AccessKeyID: "AKIAOTHER"},
		"region":  {Account: caller.Account, Region: "eu-west-1", AccessKeyID: caller.AccessKeyID},
	} {
		t.Run(name, func(t *testing.T) {
			made, err := w.CreateService(t.Context(), other, createRequest("web-app"))
			if err != nil {
				t.Fatal(err)
			}
			arn := made.Service.ServiceArn
			w.finish(t, arn, true)
			_, err = w.AssociateCustomDomain(t.Context(), other, &api.AssociateCustomDomainRequest{ServiceArn: arn, DomainName: "example.com"})
			wantKind(t, err, api.KindInvalidRequest, "example.com is already associated with another service. Choose another domain.")
			_, err = w.DisassociateCustomDomain(t.Context(), other, &api.DisassociateCustomDomainRequest{ServiceArn: arn, DomainName: "example.com"})
			wantKind(t, err, api.KindNotFound, "No custom domain example.com found for the provided service")
		})
	}
}

func TestAssociateCustomDomain_KeepsTheQuota(t *testing.T) {
	w := newWorld(t)
	arn := w.create(t, "web-app").ServiceArn
	for i := range 5 {
		w.associated(t, arn, fmt.Sprintf("site%d.example.com", i), nil)
	}
	_, err := w.associate(t, arn, "site5.example.com", nil)
	wantKind(t, err, api.KindQuotaExceeded, "--quota custom-domains-per-service=6") // which the wire has as InvalidRequestException
	_, err = w.associate(t, arn, "site4.example.com", nil)
	wantKind(t, err, api.KindInvalidRequest, "is already associated with")
	w.associated(t, w.create(t, "another").ServiceArn, "site5.example.com", nil)
}

func TestDisassociateCustomDomain_ShowsDeletingAndTheRecords(t *testing.T) {
	w := newWorld(t)
	arn := w.create(t, "web-app").ServiceArn
	w.associated(t, arn, "example.com", nil)
	w.change(t, func(tx *store.Tx) error {
		d, err := tx.Domain("example.com")
		d.Domain.Status, d.Moving = api.CustomDomainPendingCertificateDNSValidation, false
		d.Domain.CertificateValidationRecords = []api.CertificateValidationRecord{{Name: new("_a.example.com.")}}
		return errors.Join(err, tx.PutDomain(d))
	})
	for range 2 { // once more while it is deleting changes nothing
		out, err := w.DisassociateCustomDomain(t.Context(), caller, &api.DisassociateCustomDomainRequest{ServiceArn: arn, DomainName: "Example.com"})
		if err != nil || out.CustomDomain.Status != api.CustomDomainDeleting || len(out.CustomDomain.CertificateValidationRecords) != 1 || out.DNSTarget == "" {
			t.Errorf("answer is %+v, %v; want deleting, with the records", out, err)
		}
		if got := w.domains(t, arn); fmt.Sprint(got) != "[example.com deleting]" {
			t.Errorf("domains are %q, want it to be deleting", got)
		}
	}
	_, err := w.associate(t, arn, "example.com", nil)
	wantKind(t, err, api.KindInvalidRequest, "example.com is already associated with")
	if w.settle != 3 {
		t.Errorf("told to move on %d times, want after each call", w.settle)
	}
}

func TestDisassociateCustomDomain_RefusesWhatTheServiceHasNot(t *testing.T) {
	w := newWorld(t)
	arn, other := w.create(t, "web-app").ServiceArn, w.create(t, "another").ServiceArn
	w.associated(t, arn, "example.com", nil)
	w.associated(t, other, "example.org", nil)
	for _, name := range []string{"example.net", "example.org", "www.example.com"} {
		_, err := w.DisassociateCustomDomain(t.Context(), caller, &api.DisassociateCustomDomainRequest{ServiceArn: arn, DomainName: name})
		wantKind(t, err, api.KindNotFound, "No custom domain "+name+" found for the provided service")
	}
	if got := w.domains(t, other); fmt.Sprint(got) != "[example.org creating]" {
		t.Errorf("the other service has %q", got)
	}
}

func TestDescribeCustomDomains_PagesToTheEnd(t *testing.T) {
	w := newWorld(t)
	arn := w.create(t, "web-app").ServiceArn
	var want, got []string
	for i := range 5 {
		want = append(want, w.associated(t, arn, fmt.Sprintf("site%d.example.com", i), nil).DomainName)
	}
	in := &api.DescribeCustomDomainsRequest{ServiceArn: arn, MaxResults: new(2)}
	for more := true; more; more = in.NextToken != nil {
		out, err := w.DescribeCustomDomains(t.Context(), caller, in)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range out.CustomDomains {
			got = append(got, d.DomainName)
		}
		in.NextToken = out.NextToken
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("pages have %q, want %q", got, want)
	}
	in.NextToken = new("none of ours")
	_, err := w.DescribeCustomDomains(t.Context(), caller, in)
	wantKind(t, err, api.KindInvalidRequest, "NextToken")
}

func TestDescribeCustomDomains_IsEmptyBeforeTheFirst(t *testing.T) {
	w := newWorld(t)
	out, err := w.DescribeCustomDomains(t.Context(), caller, &api.DescribeCustomDomainsRequest{ServiceArn: w.create(t, "web-app").ServiceArn})
	if text := printed(t, out); err != nil || !strings.Contains(text, `"CustomDomains": []`) || !strings.Contains(text, `"VpcDNSTargets": []`) {
		t.Errorf("answer is %s, %v; want empty lists", text, err)
	}
}
