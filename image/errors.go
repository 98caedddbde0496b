package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"syscall"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// NotFoundError says that a registry has no such repository, tag, digest or blob: App Runner's
// "ECR image doesn't exist".
type NotFoundError struct {
	Ref   string
	Cause error
}

func (e *NotFoundError) Error() string {
	return fmt.Sprintf("image %s does not exist: %v; check the name and the tag, or push the image", e.Ref, e.Cause)
}
func (e *NotFoundError) Unwrap() error { return e.Cause }

// AuthError says that a registry refused the credentials, or their absence.
type AuthError struct {
	Ref       string
	Anonymous bool // no credentials were given
	Cause     error
}

func (e *AuthError) Error() string {
	if e.Anonymous {
		return fmt.Sprintf("the registry of image %s wants credentials: %v; configure them, or check the name: many registries answer so where an image does not exist", e.Ref, e.Cause)
	}
	return fmt.Sprintf("the registry of image %s refused the credentials: %v; check that they are valid and allow to pull", e.Ref, e.Cause)
}
func (e *AuthError) Unwrap() error { return e.Cause }

// PlatformError says that an image is for another operating system or CPU.
type PlatformError struct {
	Ref  string
	Have []string // what the image is for: "linux/arm64"
	Want string   // what this machine is: "linux/amd64"
}

func (e *PlatformError) Error() string {
	return fmt.Sprintf("image %s is for %s, but this machine is %s; build it with --platform %s, or push an index that has both",
		e.Ref, strings.Join(e.Have, ", "), e.Want, e.Want)
}

// UnreachableError says that a registry could not be reached, or went away, and further attempts did not help.
type UnreachableError struct {
	Ref   string
	Cause error
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("the registry of image %s cannot be reached: %v; %s", e.Ref, e.Cause, e.nextStep())
}
func (e *UnreachableError) Unwrap() error { return e.Cause }

func (e *UnreachableError) nextStep() string {
	msg := e.Cause.Error()
	switch {
	case strings.Contains(msg, "HTTP response to HTTPS client"):
		return "it speaks plain HTTP: allow that for this host in the configuration"
	case strings.Contains(msg, "x509:"), strings.Contains(msg, "tls:"):
		return "check its certificate, or add its CA to this machine"
	case strings.Contains(msg, "no such host"), strings.Contains(msg, "server misbehaving"):
		return "check the host name and this machine's DNS"
	}
	return "check the registry and the network, then deploy again"
}

// InvalidError says that the reference or what the registry sent is not a usable image: a malformed name or manifest, a
// wrong digest, an image format of the past, a layer that cannot be unpacked.
type InvalidError struct {
	Ref   string
	Cause error
}

func (e *InvalidError) Error() string {
	return fmt.Sprintf("image %s cannot be used: %v; rebuild and push it again", e.Ref, e.Cause)
}
func (e *InvalidError) Unwrap() error { return e.Cause }

// TooLargeError says that an image exceeds a limit of this store.
type TooLargeError struct {
	Ref   string
	What  string // "unpacked size"
	Limit int64
	Unit  string // "bytes", "layers"
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("image %s is too large: its %s exceeds %d %s; make it smaller", e.Ref, e.What, e.Limit, e.Unit)
}

// MissingError says that an image is not, or not wholly, on this machine.
type MissingError struct{ Digest string }

func (e *MissingError) Error() string {
	return fmt.Sprintf("image %s is not on this machine; deploy the service again, which pulls it", e.Digest)
}

// invalid and tooLarge are made where the reference is not known; explain adds it.
func invalid(format string, args ...any) error {
	return &InvalidError{Cause: fmt.Errorf(format, args...)}
}

func tooLarge(what string, limit int64, unit string) error {
	return &TooLargeError{What: what, Limit: limit, Unit: unit}
}

// explain makes of any error on the way to an image the typed one that names ref.
func explain(ref string, auth *Auth, err error) error {
	ref = redact(ref)
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*InvalidError](err); ok {
		return &InvalidError{Ref: ref, Cause: e.Cause}
	}
	if e, ok := errors.AsType[*TooLargeError](err); ok {
		c := *e
		c.Ref = ref
		return &c
	}
	if e, ok := errors.AsType[*NotFoundError](err); ok {
		return &NotFoundError{Ref: ref, Cause: hide(e.Cause)}
	}
	if e, ok := errors.AsType[*PlatformError](err); ok {
		return &PlatformError{Ref: ref, Have: e.Have, Want: e.Want}
	}
	if e, ok := errors.AsType[*transport.Error](err); ok {
		return explainStatus(ref, auth, e)
	}
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("pull of image %s was cancelled: %w", ref, hide(err))
	}
	if errors.Is(err, context.DeadlineExceeded) || isNetwork(err) {
		return &UnreachableError{Ref: ref, Cause: hide(err)}
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("pull image %s: %w; free space on the disk of the data directory, or remove services", ref, hide(err))
	}
	return fmt.Errorf("pull image %s: %w", ref, hide(err))
}

func explainStatus(ref string, auth *Auth, e *transport.Error) error {
	cause := hide(e)
	switch {
	case e.StatusCode == http.StatusNotFound:
		return &NotFoundError{Ref: ref, Cause: cause}
	case e.StatusCode == http.StatusUnauthorized, e.StatusCode == http.StatusForbidden:
		return &AuthError{Ref: ref, Anonymous: auth == nil, Cause: cause}
	case e.StatusCode == http.StatusTooManyRequests, e.StatusCode >= 500:
		return &UnreachableError{Ref: ref, Cause: cause}
	}
	return &InvalidError{Ref: ref, Cause: cause}
}

// isNetwork reports whether err is one that a further attempt may cure. The system's own errors count for the network's to
// package net, those of files too.
func isNetwork(err error) bool {
	if isMachine(err) {
		return false
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	if _, ok := errors.AsType[*url.Error](err); ok {
		return true
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, errStalled) ||
		strings.Contains(err.Error(), "http2:")
}

// hidden shows an error's text without what must not be shown, and still answers errors.Is. It has no Unwrap, so that
// nobody prints the original by accident.
type hidden struct {
	text string
	err  error
}

func (h *hidden) Error() string        { return h.text }
func (h *hidden) Is(target error) bool { return errors.Is(h.err, target) }

func hide(err error) error {
	if h, ok := err.(*hidden); ok {
		return h
	}
	return &hidden{text: redact(err.Error()), err: err}
}

var (
	urlPattern   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?i)\b([a-z][a-z0-9+.-]*://)([^\s"'<>]*)`) })
	tokenPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?i)\b(bearer|basic)\s+[a-z0-9+/=._~-]{8,}`) })
)

// redact takes user names, passwords, query strings and tokens out of a text.
func redact(text string) string {
	text = urlPattern().ReplaceAllStringFunc(text, func(raw string) string {
		m := urlPattern().FindStringSubmatch(raw)
		rest, _, _ := strings.Cut(m[2], "?")
		host, path, slash := strings.Cut(rest, "/")
		if i := strings.LastIndex(host, "@"); i >= 0 {
			host = host[i+1:]
		}
		if slash {
			return m[1] + host + "/" + path
		}
		return m[1] + host
	})
	return tokenPattern().ReplaceAllString(text, "$1 (hidden)")
}
