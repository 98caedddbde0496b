package profile

import (
	"net/netip"
	"regexp"
	"strings"
	"sync"
)

// Endpoint is the URL at which a service is called, and the region that calls to it are signed for. flag is the URL that
// the command line gives; "" in the region is a name that somebody gave. service is as in host names: apprunner.
func (s *Session) Endpoint(service, region string, flag *string) (url, signing string, err error) {
	region, fips := withoutFIPS(region)
	url, err = s.configuredEndpoint(service, flag)
	if err == nil && url == "" && (flag == nil) {
		url, err = s.usualEndpoint(service, region, fips)
	}
	if err == nil && !isEndpoint(url) {
		err = wrong("Invalid endpoint: %s", url)
	}
	if err != nil {
		return "", "", err
	}
	return url, region, nil
}

// configuredEndpoint is the URL that somebody configured: for the service in the environment, for all services there,
// for the service in the profile's section of services, or for all in the profile.
func (s *Session) configuredEndpoint(service string, flag *string) (string, error) {
	if flag != nil {
		return *flag, nil
	}
	ignored, err := s.flagged("ignore_configured_endpoint_urls", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
	if ignored || err != nil {
		return "", err
	}
	name := strings.ReplaceAll(service, "-", "_")
	for _, variable := range []string{"AWS_ENDPOINT_URL_" + strings.ToUpper(name), "AWS_ENDPOINT_URL"} {
		if url := s.env.get(variable); url != "" {
			return url, nil
		}
	}
	url, err := s.serviceEndpoint(name)
	if url != "" || err != nil {
		return url, err
	}
	url, _, err = s.Setting("endpoint_url")
	return url, err
}

// serviceEndpoint is the URL in the section of services that the profile names.
func (s *Session) serviceEndpoint(service string) (string, error) {
	name, ok, err := s.Setting("services")
	if !ok || err != nil {
		return "", err
	}
	services, ok := s.config.services[name]
	if !ok || services.Len() == 0 {
		return "", wrong(`The profile is configured to use the services section but the "%s" services configuration does not exist.`, name)
	}
	block, _ := services.Get(service)
	if settings, ok := block.(interface{ Get(string) (any, bool) }); ok {
		url, _ := settings.Get("endpoint_url")
		written, _ := url.(string)
		return written, nil
	}
	return "", nil
}

// usualEndpoint is where AWS has the service.
func (s *Session) usualEndpoint(service, region string, fips bool) (string, error) {
	dual, err := s.flagged("use_dualstack_endpoint", "AWS_USE_DUALSTACK_ENDPOINT")
	if err != nil {
		return "", err
	}
	if !fips {
		if fips, err = s.flagged("use_fips_endpoint", "AWS_USE_FIPS_ENDPOINT"); err != nil {
			return "", err
		}
	}
	if fips {
		service += "-fips"
	}
	p := partitionOf(region)
	suffix := p.suffix
	if dual {
		suffix = p.dual
	}
	return "https://" + service + "." + region + "." + suffix, nil
}

var hostname = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)^([a-z\d]([a-z\d-]{0,61}[a-z\d])?\.)*[a-z\d]([a-z\d-]{0,61}[a-z\d])?$`)
})

// isEndpoint reports whether the URL names a host, by name or by address.
func isEndpoint(url string) bool {
	if strings.ContainsAny(url, "\t\r\n") {
		return false
	}
	host := hostOf(url)
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return host != "" && len(host) <= 255 && hostname().MatchString(strings.TrimSuffix(host, "."))
}

// hostOf is the host of a URL as Python's urlsplit finds it, which never finds fault: "" is none.
func hostOf(url string) string {
	if scheme, rest, ok := strings.Cut(url, ":"); ok && scheme != "" && isScheme(scheme) {
		url = rest
	}
	rest, ok := strings.CutPrefix(url, "//")
	if !ok {
		return ""
	}
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		rest = rest[:end]
	}
	rest = rest[strings.LastIndexByte(rest, '@')+1:]
	if inner, ok := strings.CutPrefix(rest, "["); ok {
		inner, _, _ = strings.Cut(inner, "]")
		return inner
	}
	host, _, _ := strings.Cut(rest, ":")
	return host
}

func isScheme(word string) bool {
	return strings.Trim(strings.ToLower(word), "abcdefghijklmnopqrstuvwxyz0123456789+-.") == ""
}
