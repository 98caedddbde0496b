package control

import (
	"errors"
	"strings"

	"apron/api"
	"apron/store"
)

// maxDomain is the length in bytes up to which the names of a domain's validation records are names too: DNS allows 253,
// and such a record has 34 before the name and the service's own label, or www, between them.
const maxDomain = 253 - 34 - 11

var (
	domainLabel = compiled(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	allDigits   = compiled(`^[0-9]+$`)
)

// newDomain reads what is to be associated. The model's pattern lets through much that is no domain name.
func (c *Control) newDomain(in *api.AssociateCustomDomainRequest) (api.CustomDomain, error) {
	domain := api.CustomDomain{DomainName: normalDomain(in.DomainName), Status: api.CustomDomainCreating}
	if fault := domainFault(domain.DomainName); fault != "" {
		return domain, api.InvalidRequest("DomainName %s isn't the name of a domain: %s. Give one such as example.com, login.example.com or *.example.com.",
			in.DomainName, fault)
	}
	var err error
	if domain.EnableWWWSubdomain, err = withWWW(domain.DomainName, in.EnableWWWSubdomain); err != nil {
		return domain, err
	}
	for _, host := range hosts(domain) {
		if under(strings.TrimPrefix(host, "*."), c.cfg.Domain) {
			return domain, api.InvalidRequest("%s is under %s, where services get their own host names. Choose a domain of yours.", host, c.cfg.Domain)
		}
	}
	return domain, nil
}

// normalDomain is the form in which domains are kept and compared.
func normalDomain(name string) string {
	return strings.ToLower(strings.TrimSuffix(name, "."))
}

// domainFault says what keeps a name in its normal form from being a domain's; empty when nothing does.
func domainFault(name string) string {
	rest, _ := strings.CutPrefix(name, "*.")
	labels := strings.Split(rest, ".")
	switch {
	case len(name) > maxDomain:
		return "it is too long to have validation records"
	case strings.Contains(rest, "*"):
		return "a wildcard can only be the first of the parts between the dots, and all of it"
	case len(labels) < 2:
		return "it needs a dot, and a part on each side of it"
	case allDigits().MatchString(labels[len(labels)-1]):
		return "it ends in a number, as addresses do"
	}
	for _, part := range labels {
		if !domainLabel().MatchString(part) {
			return "each part between the dots needs 1 to 63 letters, digits and hyphens, with no hyphen at either end"
		}
	}
	return ""
}

// withWWW says whether the domain includes its www: unless the caller says otherwise it does, except where that makes no
// name that anybody would look for. Terraform says true by itself, also for a name that begins with www.
func withWWW(name string, given *bool) (bool, error) {
	wildcard := strings.HasPrefix(name, "*.")
	switch {
	case given == nil:
		return !wildcard && !strings.HasPrefix(name, "www."), nil
	case *given && wildcard:
		return false, api.InvalidRequest("%s can't have a www subdomain of its own. Set EnableWWWSubdomain to false.", name)
	}
	return *given, nil
}

// hosts are the names that a domain leads to its service.
func hosts(d api.CustomDomain) []string {
	if d.EnableWWWSubdomain {
		return []string{d.DomainName, "www." + d.DomainName}
	}
	return []string{d.DomainName}
}

// holderOf finds the domain that leads the host name somewhere already: its own, or the one whose www it is.
// store.ErrNotFound if none does.
func holderOf(tx *store.Tx, host string) (store.Domain, error) {
	d, err := tx.Domain(host)
	base, www := strings.CutPrefix(host, "www.")
	if !www || !errors.Is(err, store.ErrNotFound) {
		return d, err
	}
	d, err = tx.Domain(base)
	if err == nil && !d.Domain.EnableWWWSubdomain {
		err = store.ErrNotFound
	}
	return d, err
}

// under tells whether a name is the domain or one of those below it.
func under(name, domain string) bool { return name == domain || strings.HasSuffix(name, "."+domain) }
