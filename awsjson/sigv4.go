package awsjson

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"apron/api"
)

const (
	algorithm   = "AWS4-HMAC-SHA256"
	signingName = "apprunner"
	amzTime     = "20060102T150405Z"
	maxSkew     = 5 * time.Minute
)

// meaningful are the headers that decide what a request means: those present must be signed. host always is.
var meaningful = []string{"X-Amz-Date", "X-Amz-Target", "Content-Type", "Content-Encoding", "X-Amz-Security-Token"}

// verify checks the AWS Signature Version 4 in the Authorization header of a request with the body sent, and says whose
// it is. The account comes from the access key and the region from the credential's scope. Errors are exceptions.
func verify(r *http.Request, sent []byte, now time.Time, find func(context.Context, string) (Key, bool, error), keys *signingKeys) (api.Caller, error) {
	header := r.Header.Get("Authorization")
	if header == "" {
		return api.Caller{}, missingToken("Request is missing Authentication Token: it has no Authorization header. " +
			`Sign it with AWS Signature Version 4; eval "$(apron env)" gives AWS clients the keys.`)
	}
	a, err := parseAuthorization(header)
	if err != nil {
		return api.Caller{}, err
	}
	at, err := signingTime(r)
	if err != nil {
		return api.Caller{}, err
	}
	if err := a.check(r, at); err != nil {
		return api.Caller{}, err
	}
	key, known, err := find(r.Context(), a.accessKeyID)
	if err != nil {
		return api.Caller{}, fmt.Errorf("find access key %s: %w", cut(a.accessKeyID), err)
	}
	if !known {
		return api.Caller{}, unrecognizedClient("The security token included in the request is invalid. "+
			`This server does not know the access key %s; eval "$(apron env)" sets one that it knows.`, cut(a.accessKeyID))
	}
	if err := checkSkew(at, now); err != nil {
		return api.Caller{}, err
	}
	if err := a.prove(r, sent, at, key.Secret, keys); err != nil {
		return api.Caller{}, err
	}
	return api.Caller{Account: key.Account, Region: a.region, AccessKeyID: a.accessKeyID, ReadOnly: key.ReadOnly}, nil
}

// prove computes the signature that a holder of the secret gives to the request and compares it with the one sent.
func (a authorization) prove(r *http.Request, sent []byte, at time.Time, secret string, keys *signingKeys) error {
	payload := sha256.Sum256(sent)
	if err := checkPayloadHeader(r, hex.EncodeToString(payload[:])); err != nil {
		return err
	}
	signingKey, derived := keys.of(a, secret)
	want := a.sign(signingKey, at, canonicalRequest(r, "/", a.signedHeaders, hex.EncodeToString(payload[:])))
	if !hmac.Equal([]byte(want), []byte(a.signature)) {
		return invalidSignature("The request signature we calculated does not match the signature you provided. " +
			"Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
	}
	if derived {
		keys.keep(a, secret, signingKey)
	}
	return nil
}

var validRegion = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`) })

// authorization is a parsed Authorization header.
type authorization struct {
	accessKeyID, date, region, service, terminator string

	signedHeaders []string // lower case, as sent
	signature     string   // hex
}

// parseAuthorization reads
// "AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, SignedHeaders=a;b, Signature=HEX".
func parseAuthorization(header string) (authorization, error) {
	name, rest, _ := strings.Cut(header, " ")
	if name != algorithm {
		return authorization{}, incompleteSignature("Unsupported AWS 'algorithm': '%s'. Sign with %s.", cut(name), algorithm)
	}
	params := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		params[key] = value
	}
	var lacks []string
	for _, key := range []string{"Credential", "Signature", "SignedHeaders"} {
		if params[key] == "" {
			lacks = append(lacks, "Authorization header requires '"+key+"' parameter.")
		}
	}
	if lacks != nil {
		return authorization{}, incompleteSignature("%s", strings.Join(lacks, " "))
	}
	scope := strings.Split(params["Credential"], "/")
	if len(scope) != 5 || slices.Contains(scope, "") {
		return authorization{}, incompleteSignature("Credential must have exactly 5 slash-delimited elements, "+
			"e.g. keyid/date/region/service/term, got '%s'.", cut(params["Credential"]))
	}
	// The region becomes part of ARNs and host names.
	if !validRegion().MatchString(scope[2]) {
		return authorization{}, invalidSignature("Credential should be scoped to a valid region, such as us-east-1, not '%s'.", cut(scope[2]))
	}
	return authorization{
		accessKeyID: scope[0], date: scope[1], region: scope[2], service: scope[3], terminator: scope[4],
		signedHeaders: strings.Split(params["SignedHeaders"], ";"),
		signature:     params["Signature"],
	}, nil
}

// signingTime is when the client says that it signed.
func signingTime(r *http.Request) (time.Time, error) {
	if date := r.Header.Get("X-Amz-Date"); date != "" {
		if t, err := time.Parse(amzTime, date); err == nil {
			return t, nil
		}
		return time.Time{}, incompleteSignature("The X-Amz-Date header must have the form YYYYMMDD'T'HHMMSS'Z', got '%s'.", cut(date))
	}
	date := r.Header.Get("Date")
	if t, err := time.Parse(amzTime, date); err == nil {
		return t, nil
	}
	t, err := http.ParseTime(date)
	if err != nil {
		return time.Time{}, incompleteSignature("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
	}
	return t.UTC(), nil
}

// check looks at what the signature claims to cover before it is computed.
func (a authorization) check(r *http.Request, at time.Time) error {
	switch day := at.Format("20060102"); {
	case a.terminator != "aws4_request":
		return invalidSignature("Credential should be scoped with a valid terminator: 'aws4_request', not '%s'.", cut(a.terminator))
	case a.service != signingName:
		return invalidSignature("Credential should be scoped to correct service: '%s', not '%s'.", signingName, cut(a.service))
	case a.date != day:
		return invalidSignature("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "+
			"'%s' != '%s', from '%s'.", cut(a.date), day, at.Format(amzTime))
	}
	required := []string{"host"}
	for _, name := range meaningful {
		if r.Header.Get(name) != "" {
			required = append(required, strings.ToLower(name))
		}
	}
	if r.Header.Get("X-Amz-Date") == "" {
		required = append(required, "date")
	}
	for _, name := range required {
		if !slices.Contains(a.signedHeaders, name) {
			return invalidSignature("'%s' must be a 'SignedHeader' in the AWS Authorization.", name)
		}
	}
	return nil
}

func checkSkew(at, now time.Time) error {
	now = now.UTC().Truncate(time.Second)
	if earliest := now.Add(-maxSkew); at.Before(earliest) {
		return invalidSignature("Signature expired: %s is now earlier than %s (%s - 5 min.). Set the clocks of client and server.",
			at.Format(amzTime), earliest.Format(amzTime), now.Format(amzTime))
	}
	if latest := now.Add(maxSkew); at.After(latest) {
		return invalidSignature("Signature not yet current: %s is still later than %s (%s + 5 min.). Set the clocks of client and server.",
			at.Format(amzTime), latest.Format(amzTime), now.Format(amzTime))
	}
	return nil
}

// checkPayloadHeader refuses a body that the client says it did not sign, or signed as another one.
func checkPayloadHeader(r *http.Request, payload string) error {
	switch claimed := r.Header.Get("X-Amz-Content-Sha256"); {
	case claimed == "" || claimed == payload:
		return nil
	case len(claimed) != len(payload):
		return invalidSignature("X-Amz-Content-Sha256 must be the SHA-256 of the body in hex; '%s' is not accepted here.", cut(claimed))
	}
	return invalidSignature("The provided 'x-amz-content-sha256' header does not match what was computed.")
}

// canonicalRequest is the text whose hash is signed.
func canonicalRequest(r *http.Request, path string, signedHeaders []string, payload string) string {
	var b strings.Builder
	b.WriteString(r.Method + "\n" + path + "\n" + canonicalQuery(r.URL.RawQuery) + "\n")
	for _, name := range signedHeaders {
		b.WriteString(name + ":" + canonicalHeader(r, name) + "\n")
	}
	b.WriteString("\n" + strings.Join(signedHeaders, ";") + "\n" + payload)
	return b.String()
}

// canonicalHeader joins a header's values with their spaces trimmed and folded. net/http keeps two headers elsewhere.
func canonicalHeader(r *http.Request, name string) string {
	values := r.Header.Values(name)
	switch {
	case name == "host":
		return folded(r.Host)
	case name == "content-length" && len(values) == 0:
		return strconv.FormatInt(r.ContentLength, 10)
	case len(values) == 1:
		return folded(values[0])
	}
	var joined []string
	for _, v := range values {
		joined = append(joined, folded(v))
	}
	return strings.Join(joined, ",")
}

// folded trims spaces and makes one of several; signers leave all other white space alone.
func folded(v string) string {
	v = strings.Trim(v, " ")
	for strings.Contains(v, "  ") {
		v = strings.ReplaceAll(v, "  ", " ")
	}
	return v
}

// canonicalQuery sorts the encoded parameters by name and then by value; RFC 3986 spells a space %20.
func canonicalQuery(raw string) string {
	if raw == "" {
		return ""
	}
	query, err := url.ParseQuery(raw)
	if err != nil {
		return raw
	}
	var pairs [][2]string
	for name, values := range query {
		for _, value := range values {
			pairs = append(pairs, [2]string{escaped(name), escaped(value)})
		}
	}
	slices.SortFunc(pairs, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	var b strings.Builder
	for i, pair := range pairs {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(pair[0] + "=" + pair[1])
	}
	return b.String()
}

func escaped(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// sign computes the signature in hex that a holder of the signing key gives to canonical.
func (a authorization) sign(key []byte, at time.Time, canonical string) string {
	hash := sha256.Sum256([]byte(canonical))
	scope := a.date + "/" + a.region + "/" + a.service + "/" + a.terminator
	text := algorithm + "\n" + at.Format(amzTime) + "\n" + scope + "\n" + hex.EncodeToString(hash[:])
	return hex.EncodeToString(hmacSHA256(key, text))
}
