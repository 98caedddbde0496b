package build

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// minSecret is how long a value must be to be hidden: shorter ones stand in half of all lines, and guard nothing.
const minSecret = 4

// hider replaces the values of variables that look like secrets: apprunner.yaml has no other place for a token that only
// the build needs, and the log is read by more people than the repository.
func hider(env map[string]string) *strings.Replacer {
	var secrets []string
	for _, name := range slices.Sorted(maps.Keys(env)) {
		value := env[name]
		if looksSecret(name) {
			secrets = append(secrets, strings.Split(value, "\n")...)
		}
		if u, err := url.Parse(value); err == nil && u.User != nil {
			password, _ := u.User.Password()
			secrets = append(secrets, password)
		}
	}
	for i, s := range secrets {
		secrets[i] = strings.TrimSpace(s)
	}
	slices.SortStableFunc(secrets, func(a, b string) int { return cmp.Compare(len(b), len(a)) }) // one may be part of another
	var pairs []string
	for _, s := range secrets {
		if len(s) >= minSecret {
			pairs = append(pairs, s, "***")
		}
	}
	return strings.NewReplacer(pairs...)
}

// looksSecret goes by the words of a variable's name, and by those that are never a part of another word.
func looksSecret(name string) bool {
	name = strings.ToUpper(name)
	for _, part := range []string{"SECRET", "TOKEN", "PASSWORD", "PASSWD", "PASSPHRASE", "CREDENTIAL", "APIKEY"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	words := strings.FieldsFunc(name, func(r rune) bool { return r == '_' || r == '-' || r == '.' })
	return slices.ContainsFunc(words, func(w string) bool {
		return slices.Contains([]string{"KEY", "KEYS", "PASS", "PWD", "AUTH", "DSN", "PAT"}, w)
	})
}
