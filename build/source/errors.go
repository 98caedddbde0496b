package source

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/go-git/go-git/v6/plumbing/format/pktline"
)

// Error is what the user can mend: its Reason names the cause and the next step, and holds no credential.
type Error struct {
	Reason string
	Cause  error // may be nil; for errors.As, not to be shown
}

func (e *Error) Error() string { return e.Reason }
func (e *Error) Unwrap() error { return e.Cause }

func refuse(format string, args ...any) *Error { return &Error{Reason: fmt.Sprintf(format, args...)} }

// explain makes of what went wrong with a repository what its user needs to know. Errors of the machine stay as they are.
// Servers have shown that they repeat credentials, so none passes here.
func (f *Fetcher) explain(ctx context.Context, err error, o origin) error {
	if limit, ok := errors.AsType[*Error](context.Cause(ctx)); ok {
		err = limit
	} else if ctx.Err() != nil {
		return fmt.Errorf("fetch %s: %w", o.at, context.Cause(ctx))
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return &Error{Reason: redact(e.Reason, o), Cause: e.Cause}
	}
	for _, known := range []func(error, origin) string{refusedBy, unreachable, nonsense} {
		if reason := known(err, o); reason != "" {
			return &Error{Reason: redact(reason, o), Cause: err}
		}
	}
	if text := redact(err.Error(), o); text != err.Error() {
		return fmt.Errorf("fetch %s: %s", o.at, text)
	}
	return fmt.Errorf("fetch %s: %w", o.at, err)
}

// refusedBy is about servers that are there and say no.
func refusedBy(err error, o origin) string {
	if e, ok := errors.AsType[*statusError](err); ok {
		return refusedStatus(e, o)
	}
	if e, ok := errors.AsType[*notGitError](err); ok {
		return fmt.Sprintf("%s is not a git repository: the server gave %s; check the URL, which has to be the one that `git clone` takes", o.at, oneLine(e.kind))
	}
	text := ""
	if e, ok := errors.AsType[*saidError](err); ok {
		text = e.text
	} else if e, ok := errors.AsType[*pktline.ErrorLine](err); ok {
		text = e.Text
	} else if o.at.scheme == "ssh" && strings.Contains(err.Error(), "unable to authenticate") {
		return refusedKey(o)
	}
	switch lower := strings.ToLower(text); {
	case text == "":
		return ""
	case strings.Contains(lower, "not appear to be a git") || strings.Contains(lower, "not found") || strings.Contains(lower, "does not exist") || strings.Contains(lower, "no such"):
		return fmt.Sprintf("there is no repository at %s, or not for this credential (the server says: %s); check the URL, and what the connection's credential may read", o.at, oneLine(text))
	case strings.Contains(lower, "denied") || strings.Contains(lower, "permission"):
		return fmt.Sprintf("%s refuses this credential (the server says: %s); give the connection one that may read the repository with `apron connection authorize`", o.at, oneLine(text))
	}
	return fmt.Sprintf("the server of %s refused: %s", o.at, oneLine(text))
}

func refusedStatus(e *statusError, o origin) string {
	anonymous := o.remote.Credential == nil || o.remote.Credential.Password == ""
	switch {
	case (e.code == 401 || e.code == 403) && anonymous:
		return fmt.Sprintf("%s wants a credential, or does not exist; check the URL, and use a connection that `apron connection authorize` gave an access token", o.at)
	case e.code == 401 || e.code == 403:
		return fmt.Sprintf("%s refuses the connection's credential; it may have expired or may not read this repository: give the connection another one with `apron connection authorize`", o.at)
	case (e.code == 404 || e.code == 410) && anonymous:
		return fmt.Sprintf("there is no repository at %s, or it is private; check the URL, and use a connection if it is private", o.at)
	case e.code == 404 || e.code == 410:
		return fmt.Sprintf("there is no repository at %s, or the connection's credential may not read it; check the URL, and what the credential may read", o.at)
	case e.code == 429 || e.code >= 500:
		return fmt.Sprintf("the server of %s is in trouble (%s); try again later", o.at, oneLine(e.Error()))
	}
	return fmt.Sprintf("the server of %s gave %s; check that the URL is the one that `git clone` takes", o.at, oneLine(e.Error()))
}

func refusedKey(o origin) string {
	if o.remote.Credential == nil || len(o.remote.Credential.PrivateKey) == 0 {
		return fmt.Sprintf("%s wants an SSH key; use a connection that `apron connection authorize --ssh-key FILE` gave one", o.at)
	}
	return fmt.Sprintf("%s refuses the connection's SSH key; add its public half to the repository or its owner, or give the connection another one with `apron connection authorize --ssh-key FILE`", o.at)
}

// unreachable is about the way to a server.
func unreachable(err error, o origin) string {
	if e, ok := errors.AsType[*zoneError](err); ok {
		return fmt.Sprintf("%s is not fetched: %v", o.at, e)
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		if e.IsNotFound {
			return fmt.Sprintf("the host %s of %s is unknown; check the URL, and this machine's name servers", o.at.host, o.at)
		}
		return fmt.Sprintf("the host %s of %s could not be looked up; check this machine's name servers, and try again", o.at.host, o.at)
	}
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok && e.Reason == x509.Expired {
		return fmt.Sprintf("the TLS certificate of %s has expired or is not valid yet; renew it, and look at this machine's clock", o.at.host)
	}
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return fmt.Sprintf("the TLS certificate of %s is not trusted here (%s); if it is of an authority of your own, add that to this machine's trusted certificates", o.at.host, oneLine(e.Err.Error()))
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok || strings.Contains(err.Error(), "server gave HTTP response to HTTPS client") {
		return fmt.Sprintf("the server of %s does not speak TLS on this port; check the port in the URL", o.at)
	}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("nothing listens on %s; check the URL's host and port, and that the git server runs", o.at.hostPort())
	case isTimeout(err), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return fmt.Sprintf("the server %s cannot be reached (%s); check the network and the firewalls between", o.at.hostPort(), networkWords(err))
	}
	return ""
}

func isTimeout(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}

func networkWords(err error) string {
	if isTimeout(err) {
		return "no answer in time"
	}
	return "no route to it"
}

// nonsense is about servers and repositories that are not as git has them.
func nonsense(err error, o origin) string {
	if e, ok := errors.AsType[*missingError](err); ok {
		return fmt.Sprintf("%s is not whole: %v; run `git fsck` in it", o.at, e)
	}
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, net.ErrClosed):
		return fmt.Sprintf("the server of %s broke off in the middle; try again, and look at the server if it happens again", o.at)
	}
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return fmt.Sprintf("the connection to %s failed (%s); check the network between, and try again", o.at, oneLine(e.Err.Error()))
	}
	if strings.HasPrefix(err.Error(), "ssh: ") || strings.Contains(err.Error(), "redirect") {
		return fmt.Sprintf("the server of %s is not one that apron can fetch from (%s); check the URL", o.at, oneLine(err.Error()))
	}
	_, pack := errors.AsType[*packError](err)
	if _, answer := errors.AsType[*answerError](err); answer || pack {
		return fmt.Sprintf("the server of %s does not answer as git servers do (%s); check that `git clone` of the URL works, and try again", o.at, oneLine(err.Error()))
	}
	return ""
}

// redact takes what is secret out of foreign words, also in the form that it is sent in.
func redact(text string, o origin) string {
	c := o.remote.Credential
	if c == nil || c.Password == "" {
		return text
	}
	text = strings.ReplaceAll(text, c.Password, "(redacted)")
	user := basic(o.at, c).Username()
	sent := base64.RawStdEncoding.EncodeToString([]byte(user + ":" + c.Password))
	return strings.ReplaceAll(text, sent, "(redacted)")
}
