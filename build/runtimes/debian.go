package runtimes

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Debian says how a base is made of Debian packages.
type Debian struct {
	Runtime  Runtime
	Suite    string    // the Debian release; "" is the runtime's
	Mirror   string    // URL of a Debian archive; "" is Debian's own, with its security updates
	Packages []string  // to install beside the runtime's
	Log      io.Writer // what mmdebstrap says, line by line; nil discards
}

// Build makes the base and writes its image to path, as `docker save` writes images, named Repository and version. It blocks
// for a minute or so, most of it the unpacking of packages, and needs root or unprivileged user namespaces. It returns the
// version that the runtime has. The same packages make the same image. The error is an *Error where the release, the
// mirror or the packages are to blame, or mmdebstrap is missing.
func (d Debian) Build(ctx context.Context, path string) (version string, err error) {
	if d, err = d.complete(); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "apron-base-")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	tar := filepath.Join(dir, "root.tar")
	printed, err := d.bootstrap(ctx, tar)
	if err != nil {
		return "", err
	}
	version, ok := d.Runtime.version(printed)
	if !ok {
		return "", &Error{fmt.Sprintf("`%s` printed no version in the new base but %.200q", strings.Join(d.Runtime.Probe, " "), strings.TrimSpace(printed))}
	}
	if !fits(d.Runtime.Line, version) {
		return "", &Error{fmt.Sprintf("Debian's release %s has version %s, which is not %s; %s", d.Suite, version, d.Runtime.Title, d.elsewhere(version))}
	}
	return version, d.write(tar, version, path)
}

// elsewhere says where to go from a release that has another version.
func (d Debian) elsewhere(version string) string {
	if names := d.Runtime.withVersion(version); len(names) > 0 {
		return fmt.Sprintf("make the runtime %s of it, or name another release with --suite", names[0])
	}
	return "name another release with --suite"
}

var (
	suitePattern   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z][a-z0-9.-]*$`) })
	packagePattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9][a-z0-9+.-]*$`) })
)

// complete fills in what is the runtime's, and refuses what mmdebstrap would read as something else.
func (d Debian) complete() (Debian, error) {
	d.Packages = slices.Concat([]string{"ca-certificates"}, d.Runtime.Packages, d.Packages)
	if d.Suite == "" {
		d.Suite = d.Runtime.Suite
	}
	if d.Suite == "" || len(d.Packages) == 1 {
		return d, &Error{fmt.Sprintf("no release of Debian has %s, so there are no packages to make a base of; name a release and packages that "+
			"have it with --suite and --packages, or pull its image with `apron runtime pull %s`", d.Runtime.Title, d.Runtime.Name)}
	}
	if !suitePattern().MatchString(d.Suite) {
		return d, &Error{fmt.Sprintf("--suite %.40q is no release of Debian such as bookworm", d.Suite)}
	}
	for _, name := range d.Packages {
		if !packagePattern().MatchString(name) {
			return d, &Error{fmt.Sprintf("--packages: %.40q is no name of a Debian package", name)}
		}
	}
	return d, d.checkMirror()
}

// checkMirror refuses credentials too: the mirror's URL goes into the base, where every build reads it.
func (d Debian) checkMirror() error {
	if d.Mirror == "" {
		return nil
	}
	u, err := url.Parse(d.Mirror)
	if err != nil || u.User != nil || !slices.Contains([]string{"http", "https", "file", "copy"}, u.Scheme) || strings.ContainsAny(d.Mirror, " \t\n") {
		return &Error{"--mirror must be the URL of a Debian archive, as http://mirror.example/debian, without credentials"}
	}
	return nil
}

const (
	basePath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	tellFrom = "apron: version from here"
	tellTo   = "apron: version to here"
	// tell prints the version, in the new root.
	tell = `set -e; echo "` + tellFrom + `" >&2; chroot "$1" env -i ` + basePath + ` sh -c "$APRON_PROBE" >&2; echo "` + tellTo + `" >&2`
	// settle removes what is this machine's or this day's: names, resolvers, and when passwords were set that nobody has.
	settle = `set -e; rm -f "$1/etc/hostname" "$1/etc/resolv.conf" "$1"/etc/*-; sed -i 's/^\([^:]*:[^:]*:\)[0-9]*:/\1:/' "$1/etc/shadow"`
	// stopLimit is how long mmdebstrap has to take away what it made when it is to end.
	stopLimit = 20 * time.Second
)

// dpkgOptions leave out of what packages bring, now and in builds, what nobody reads in a container. Licences stay.
var dpkgOptions = []string{
	"force-unsafe-io", // what a power failure tears is made again
	"path-exclude=/usr/share/doc/*", "path-include=/usr/share/doc/*/copyright",
	"path-exclude=/usr/share/man/*", "path-exclude=/usr/share/info/*", "path-exclude=/usr/share/locale/*",
	"path-exclude=/usr/share/lintian/*",
	"path-exclude=/usr/share/go-*/test/*", "path-exclude=/usr/lib/go-*/pkg/*/cmd/*", // the go command's own parts, compiled once more
}

// mergeHooks are mmdebstrap's own: they make /bin a link from the start, where the release's usrmerge package would bring all of
// Perl along to do it.
const mergeHooks = "/usr/share/mmdebstrap/hooks/maybe-merged-usr"

// arguments are mmdebstrap's. Its mode is given, because its own choice falls back to modes whose chroots are none.
func (d Debian) arguments() []string {
	mode := "unshare"
	if os.Geteuid() == 0 {
		mode = "root"
	}
	args := []string{
		"--variant=minbase", "--format=tar", "--mode=" + mode, "--include=" + strings.Join(d.Packages, ","),
		"--customize-hook=" + tell, "--customize-hook=" + settle,
	}
	if _, err := os.Stat(mergeHooks); err == nil {
		args = append(args, "--hook-dir="+mergeHooks)
	}
	for _, option := range dpkgOptions {
		args = append(args, "--dpkgopt="+option)
	}
	args = append(args, d.Suite, "-")
	if d.Mirror != "" {
		args = append(args, d.Mirror)
	}
	return args
}

// bootstrap makes the root file system as a tar file, and returns what the version command printed in it.
func (d Debian) bootstrap(ctx context.Context, tar string) (printed string, err error) {
	program, err := exec.LookPath("mmdebstrap")
	if err != nil {
		return "", &Error{"making a base needs the program mmdebstrap; install it with `apt-get install mmdebstrap`"}
	}
	out, err := os.Create(tar)
	if err != nil {
		return "", err
	}
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, program, d.arguments()...)
	cmd.Stdout = out
	cmd.Stderr = io.MultiWriter(&said, orDiscard(d.Log))
	// Files that are younger than this are said to be of then. It is later than any, so that mmdebstrap leaves the times of
	// packages' files as they are, which Python compares with what it compiled; write deals with the rest.
	cmd.Env = append(os.Environ(), "SOURCE_DATE_EPOCH=4102444800", "LC_ALL=C.UTF-8", "APRON_PROBE="+strings.Join(d.Runtime.Probe, " "))
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopLimit
	err = errors.Join(cmd.Run(), out.Close())
	if ctx.Err() != nil {
		return "", fmt.Errorf("make a base: %w", context.Cause(ctx))
	}
	if err != nil {
		return "", &Error{fmt.Sprintf("mmdebstrap made no base of the packages %s from %s: %v. It said:\n%s", strings.Join(d.Packages, ", "), d.Suite, err, lastLines(said.String()))}
	}
	_, rest, _ := strings.Cut(said.String(), "\n"+tellFrom+"\n") // mmdebstrap shows the command too, in the midst of a line
	printed, _, _ = strings.Cut(rest, tellTo+"\n")
	return printed, nil
}

func orDiscard(w io.Writer) io.Writer {
	if w == nil {
		return io.Discard
	}
	return w
}

const lastOf = 12 // lines of a failure

func lastLines(text string) string {
	var lines []string
	for s := bufio.NewScanner(strings.NewReader(text)); s.Scan(); {
		lines = append(lines, "  "+s.Text())
	}
	return strings.Join(lines[max(0, len(lines)-lastOf):], "\n")
}
