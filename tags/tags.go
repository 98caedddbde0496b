// Package tags is the one table of the tags that are settings: what a service can be told in no other way that every AWS
// client has. control checks them when they are given, operation reads them whenever a service is opened or tagged. The
// package must never read or write the store: whoever calls it has the tags.
package tags

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"apron/spelling"
)

// Prefix begins the key of every tag that is a setting.
const Prefix = "apron:"

// Settings are what the tags of a service say. The zero value is what a service without any has; a zero field means its
// default.
type Settings struct {
	IdleTimeout    time.Duration // without a request for so long, the service has no instances; 0 is never
	ScaleInAfter   time.Duration // how long fewer instances must do before there are fewer
	CPUAlways      bool          // idle instances keep their CPU
	RequestTimeout time.Duration // of one request as a whole
	Queue          int           // requests that may wait
	QueueTime      time.Duration // for how long
	BodyLimit      int64         // bytes of a request's body
	H2C            bool          // instances speak HTTP/2 without TLS
	NoAccessLog    bool          // requests are not logged
}

// IsSetting tells whether a tag with the key is a setting, known or not, rather than the user's own.
func IsSetting(key string) bool { return strings.HasPrefix(key, Prefix) }

// Check says why the tag is no setting that a service can have, with the next step; nil if it is one, or is the user's own.
func Check(key, value string) error {
	if !IsSetting(key) {
		return nil
	}
	return new(Settings).set(key, value)
}

// Read returns what the tags say. Those that Check would refuse, which an earlier or later version of apron has accepted,
// are passed over and named by the error.
func Read(tags map[string]string) (s Settings, err error) {
	for key, value := range tags {
		if IsSetting(key) {
			err = errors.Join(err, s.set(key, value))
		}
	}
	return s, err
}

func (s *Settings) set(key, value string) error {
	for _, row := range table {
		if Prefix+row.name != key {
			continue
		}
		if !row.set(s, value) {
			return fmt.Errorf("the tag %s is %q and must be %s, such as %s", key, shortened(value), row.form, row.example)
		}
		return nil
	}
	return unknown(key)
}

func unknown(key string) error {
	text := fmt.Sprintf("apron does not know the tag %s.", shortened(key))
	if near := nearest(key); near != "" {
		text += fmt.Sprintf(" Did you mean %s?", near)
	}
	return fmt.Errorf("%s Tags that begin with %s are settings, which are %s; use another key for a tag of your own", text, Prefix, names())
}

// nearest is the key that may have been meant, "" if none is like it.
func nearest(key string) string {
	best, apart := "", len(key)/3 // further apart, it is another word
	for _, row := range table {
		if d := spelling.Distance(strings.ToLower(key), Prefix+row.name); d < apart {
			best, apart = Prefix+row.name, d
		}
	}
	return best
}

func names() string {
	var list []string
	for _, row := range table {
		list = append(list, row.name)
	}
	return strings.Join(list[:len(list)-1], ", ") + " and " + list[len(list)-1]
}

func shortened(text string) string {
	if runes := []rune(text); len(runes) > 64 {
		return string(runes[:64]) + "…"
	}
	return text
}
