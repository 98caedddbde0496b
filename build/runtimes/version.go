package runtimes

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

var lockPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9]+(\.[0-9]+)*$`) })

// fits reports whether a version begins with all parts of a lock: 3.11 locks 3.11.4 and not 3.110. An empty lock fits all.
func fits(lock, version string) bool {
	return lock == "" || version == lock || strings.HasPrefix(version, lock+".")
}

// newer orders versions by their numbers, the oldest first.
func newer(a, b string) int {
	return slices.CompareFunc(strings.Split(a, "."), strings.Split(b, "."), func(x, y string) int {
		m, err1 := strconv.Atoi(x)
		n, err2 := strconv.Atoi(y)
		if err1 != nil || err2 != nil {
			return cmp.Compare(x, y)
		}
		return cmp.Compare(m, n)
	})
}

// checkLock refuses a lock that no base of the runtime can fit.
func (r Runtime) checkLock(lock string) error {
	switch {
	case lock == "":
		return nil
	case !lockPattern().MatchString(lock):
		return &Error{fmt.Sprintf("runtime-version %.40q is no version: write a major version, major.minor or major.minor.patch, as in %s", lock, r.Version)}
	case fits(r.Line, lock), fits(lock, r.Line):
		return nil
	}
	hint := "`apron runtime ls` shows all runtimes"
	if others := r.withVersion(lock); len(others) > 0 {
		hint = "for that there is the runtime " + strings.Join(others, " or ")
	}
	return &Error{fmt.Sprintf("runtime version %s is not supported by %s, which is %s; %s", lock, r.Name, r.Title, hint)}
}

// withVersion names the runtimes of the language that a lock fits, those that say most of the version first.
func (r Runtime) withVersion(lock string) (names []string) {
	for _, other := range All() {
		if slices.Equal(other.Probe, r.Probe) && (fits(other.Line, lock) || fits(lock, other.Line)) {
			names = append([]string{other.Name}, names...)
		}
	}
	return names
}

// reference fills in the version that a reference is to be for.
func (r Runtime) reference(ref, lock string) string {
	version := r.Version
	if lock != "" && !fits(lock, version) {
		version = lock
	}
	return strings.ReplaceAll(ref, "{version}", version)
}

// version finds the version in what the version command printed.
func (r Runtime) version(output string) (string, bool) {
	for _, pattern := range r.Versions {
		if m := regexp.MustCompile(pattern).FindStringSubmatch(output); m != nil {
			return strings.Trim(strings.ReplaceAll(m[1], "_", "."), "."), true
		}
	}
	return "", false
}
