package awsjson

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// unsignedHeaders may change on the way to the server, or are set when the request is sent.
var unsignedHeaders = []string{"Accept-Encoding", "User-Agent"}

// signRequest makes the request that of the holder of the credentials, and returns what it signed.
func signRequest(r *http.Request, body []byte, c Credentials, service, region string, at time.Time) string {
	at = at.UTC()
	r.Header.Set("X-Amz-Date", at.Format(amzTime))
	if c.SessionToken != "" {
		r.Header.Set("X-Amz-Security-Token", c.SessionToken)
	}
	payload := sha256.Sum256(body)
	a := authorization{
		accessKeyID: c.AccessKeyID, date: at.Format("20060102"), region: region, service: service, terminator: "aws4_request",
		signedHeaders: headersToSign(r.Header),
	}
	canonical := canonicalRequest(r, canonicalPath(r.URL), a.signedHeaders, hex.EncodeToString(payload[:]))
	a.signature = a.sign(signingKey(a, c.SecretAccessKey), at, canonical)
	r.Header.Set("Authorization", a.String())
	return canonical
}

// String is the header that parseAuthorization reads.
func (a authorization) String() string {
	return fmt.Sprintf("%s Credential=%s/%s/%s/%s/%s, SignedHeaders=%s, Signature=%s", algorithm,
		a.accessKeyID, a.date, a.region, a.service, a.terminator, strings.Join(a.signedHeaders, ";"), a.signature)
}

// headersToSign are all headers by name, in lower case.
func headersToSign(h http.Header) []string {
	names := []string{"host"}
	for name := range h {
		if !slices.Contains(unsignedHeaders, name) {
			names = append(names, strings.ToLower(name))
		}
	}
	slices.Sort(names)
	return names
}

// canonicalPath is the path as it is sent, with its dots and empty segments resolved and escaped once more.
func canonicalPath(u *url.URL) string {
	path := u.EscapedPath()
	var kept []string
	for segment := range strings.SplitSeq(path, "/") {
		switch {
		case segment == "..":
			kept = kept[:max(0, len(kept)-1)]
		case segment != "" && segment != ".":
			kept = append(kept, escaped(segment))
		}
	}
	canonical := "/" + strings.Join(kept, "/")
	if strings.HasSuffix(path, "/") && len(kept) > 0 {
		canonical += "/"
	}
	return canonical
}
