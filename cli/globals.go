package cli

import (
	"fmt"
	"strings"
	"time"

	"apron/cli/argparse"
	"apron/cli/document"
	"apron/cli/globals"
	"apron/cli/jmespath"
	"apron/cli/profile"
)

// settings are the global options of one command line, resolved.
type settings struct {
	parsed *document.Map // as argparse has them

	query        *jmespath.Expression // nil without --query
	endpointURL  string
	profile      string
	region       string
	output       string
	color        string
	caBundle     string
	binaryFormat string

	verifySSL, paginate, sign, noPager, debug bool

	connectTimeout, readTimeout time.Duration // 0 waits for ever
}

// defaultTimeout is botocore's, to connect and for each read.
const defaultTimeout = 60

// globalParser knows the global options and nothing else yet.
func globalParser() *argparse.Parser {
	p := &argparse.Parser{Prog: Prog, Usage: argparse.Usage(Prog)}
	for _, o := range globals.Options() {
		p.Add(globalArgument(o))
	}
	return p
}

func globalArgument(o globals.Option) argparse.Argument {
	a := argparse.Argument{Name: o.Flag(), Dest: o.Dest, Choices: o.Choices}
	switch o.Action {
	case globals.StoreTrue:
		a.Action, a.Default = argparse.StoreTrue, false
	case globals.StoreFalse:
		a.Action, a.Default = argparse.StoreFalse, true
	case globals.Version:
		a.Action = argparse.Version
	case globals.Store:
		if o.Default != "" {
			a.Default = o.Default
		}
	}
	return a
}

// resolveGlobals checks the options that argparse leaves alone, in the order in which AWS's CLI does.
func resolveGlobals(parsed *document.Map) (*settings, error) {
	g := &settings{
		parsed:       parsed,
		endpointURL:  text(parsed, "endpoint_url"),
		profile:      text(parsed, "profile"),
		region:       text(parsed, "region"),
		output:       text(parsed, "output"),
		color:        text(parsed, "color"),
		caBundle:     text(parsed, "ca_bundle"),
		binaryFormat: text(parsed, "cli_binary_format"),
		verifySSL:    isTrue(parsed, "verify_ssl"),
		paginate:     isTrue(parsed, "paginate"),
		sign:         isTrue(parsed, "sign_request"),
		noPager:      isTrue(parsed, "no_cli_pager"),
		debug:        isTrue(parsed, "debug"),
	}
	for _, resolve := range []func() error{g.resolveQuery, g.checkEndpointURL, g.resolveTimeouts} {
		if err := resolve(); err != nil {
			return nil, err
		}
	}
	return g, nil
}

func (g *settings) resolveQuery() (err error) {
	query, ok := g.parsed.Get("query")
	if !ok || query == nil {
		return nil
	}
	if g.query, err = jmespath.Compile(query.(string)); err != nil {
		return paramError(fmt.Sprintf("Bad value for --query %s: %s", query, err))
	}
	return nil
}

func (g *settings) checkEndpointURL() error {
	if v, _ := g.parsed.Get("endpoint_url"); v != nil && !hasScheme(g.endpointURL) {
		return paramError(fmt.Sprintf("Bad value for --endpoint-url \"%s\": scheme is missing.  Must be of the form http://<hostname>/ or https://<hostname>/", g.endpointURL))
	}
	return nil
}

// hasScheme follows Python's urlparse: a letter and then letters, digits and "+-." up to a colon.
func hasScheme(url string) bool {
	scheme, _, found := strings.Cut(url, ":")
	if !found || scheme == "" || !isLetter(rune(scheme[0])) {
		return false
	}
	return !strings.ContainsFunc(scheme, func(r rune) bool {
		return !isLetter(r) && (r < '0' || r > '9') && !strings.ContainsRune("+-.", r)
	})
}

func isLetter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }

func (g *settings) resolveTimeouts() (err error) {
	if g.readTimeout, err = timeout(g.parsed, "read_timeout"); err != nil {
		return err
	}
	g.connectTimeout, err = timeout(g.parsed, "connect_timeout")
	return err
}

func timeout(parsed *document.Map, dest string) (time.Duration, error) {
	v, _ := parsed.Get(dest)
	if v == nil {
		return defaultTimeout * time.Second, nil
	}
	n, err := document.Int(v.(string))
	if err != nil {
		return 0, err
	}
	seconds, ok := n.(int64)
	if !ok || max(seconds, -seconds) > int64(maxTimeout/time.Second) {
		return 0, fmt.Errorf("timeout value %s is not between 0 and %d seconds", v, int64(maxTimeout/time.Second))
	}
	return time.Duration(seconds) * time.Second, nil
}

// checkTimeouts refuses what no clock can do. AWS's CLI finds it when it makes the client, after all that is wrong with
// the configuration.
func (g *settings) checkTimeouts() error {
	for _, t := range []struct {
		name string
		time.Duration
	}{{"connect", g.connectTimeout}, {"read", g.readTimeout}} {
		if t.Duration < 0 {
			return &profile.Error{Message: fmt.Sprintf("Attempted to set %s timeout to %d, but the timeout cannot be set to a value less than or equal to 0.", t.name, t.Duration/time.Second)}
		}
	}
	return nil
}

// maxTimeout keeps sums of times within a time.Duration.
const maxTimeout = 100 * 365 * 24 * time.Hour

// text is the value of a destination, "" where it is not given.
func text(parsed *document.Map, dest string) string {
	v, _ := parsed.Get(dest)
	s, _ := v.(string)
	return s
}

func isTrue(parsed *document.Map, dest string) bool {
	v, _ := parsed.Get(dest)
	return v == true
}
