package certs

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// database is one of the certificate databases in which browsers keep whom they believe.
type database struct {
	dir   string
	owner *syscall.Credential // as whom certutil runs; nil: as this process
}

// databases are where Chromium and Firefox have theirs, below a home directory. With a star, one for each profile.
var databases = []string{
	".pki/nssdb",
	".local/share/pki/nssdb",
	"snap/chromium/current/.pki/nssdb",
	".mozilla/firefox/*",
	".config/mozilla/firefox/*",
	"snap/firefox/common/.mozilla/firefox/*",
}

const certutilPackage = "libnss3-tools"

// eachDatabase does act in each database of the user who asks. The authority's key is root's, so Trust is called with sudo, and the
// browser is its caller's.
func eachDatabase(ctx context.Context, root *x509.Certificate, act func(*database, context.Context, *x509.Certificate) Outcome) []Outcome {
	who, err := asking()
	if err != nil {
		return []Outcome{{Store: "the browsers' databases", Err: err, ByHand: "import what `apron trust --print` prints in the browser's settings"}}
	}
	found := databasesOf(who)
	if len(found) == 0 {
		return []Outcome{{Store: "the browsers' databases", Did: fmt.Sprintf("are none yet below %s: start the browser once, and ask again", who.HomeDir)}}
	}
	if _, err := exec.LookPath("certutil"); err != nil {
		return []Outcome{{
			Store: "the browsers' databases below " + who.HomeDir, Err: errors.New("there is no program certutil"),
			ByHand: "sudo apt-get install " + certutilPackage + ", and ask again",
		}}
	}
	var list []Outcome
	for _, db := range found {
		list = append(list, act(db, ctx, root))
	}
	return list
}

// asking is the user who called this program, by way of sudo or not.
func asking() (*user.User, error) {
	if id := os.Getenv("SUDO_UID"); id != "" && os.Geteuid() == 0 {
		return user.LookupId(id)
	}
	who, err := user.Current()
	if err == nil && os.Getenv("HOME") != "" {
		who.HomeDir = os.Getenv("HOME")
	}
	return who, err
}

func databasesOf(who *user.User) []*database {
	var list []*database
	for _, pattern := range databases {
		dirs, _ := filepath.Glob(filepath.Join(who.HomeDir, pattern, "cert9.db"))
		for _, file := range dirs {
			list = append(list, &database{filepath.Dir(file), credential(who)})
		}
	}
	return list
}

// credential keeps root from writing files into another's home, where links lead wherever their owner likes.
func credential(who *user.User) *syscall.Credential {
	uid, err := strconv.ParseUint(who.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(who.Gid, 10, 32)
	if err != nil || err2 != nil || os.Geteuid() != 0 || uid == 0 {
		return nil
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

func (db *database) trust(ctx context.Context, root *x509.Certificate) Outcome {
	o := Outcome{Store: db.String(), Did: "has it now"}
	if db.has(ctx, root) {
		o.Did = "had it already"
		return o
	}
	o.Err = db.certutil(ctx, pemOf(root), nil, "-A", "-a", "-t", "C,,", "-n", root.Subject.CommonName)
	o.ByHand = fmt.Sprintf("apron trust --print | certutil -d sql:%s -A -a -t C,, -n %q", db.dir, root.Subject.CommonName)
	return o
}

func (db *database) distrust(ctx context.Context, root *x509.Certificate) Outcome {
	o := Outcome{Store: db.String(), Did: "does not have it any more"}
	if !db.has(ctx, root) {
		o.Did = "did not have it"
		return o
	}
	o.Err = db.certutil(ctx, nil, nil, "-D", "-n", root.Subject.CommonName)
	o.ByHand = fmt.Sprintf("certutil -d sql:%s -D -n %q", db.dir, root.Subject.CommonName)
	return o
}

func (db *database) String() string { return "the browser's database " + db.dir }

// has reports whether the database has the authority and believes what it certifies.
func (db *database) has(ctx context.Context, root *x509.Certificate) bool {
	var text bytes.Buffer
	if db.certutil(ctx, nil, &text, "-L", "-a", "-n", root.Subject.CommonName) != nil {
		return false
	}
	block, _ := pem.Decode(text.Bytes())
	return block != nil && bytes.Equal(block.Bytes, root.Raw) && db.certutil(ctx, nil, nil, "-V", "-u", "L", "-n", root.Subject.CommonName) == nil
}

// certutil runs NSS's program on the database, with in as its input; what it prints goes to out when there is one.
func (db *database) certutil(ctx context.Context, in []byte, out *bytes.Buffer, args ...string) error {
	cmd := exec.CommandContext(ctx, "certutil", append([]string{"-d", "sql:" + db.dir}, args...)...)
	cmd.Stdin = bytes.NewReader(in) // never a terminal: it must not ask for a password
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: db.owner}
	text, err := cmd.CombinedOutput()
	if out != nil {
		out.Write(text)
	}
	return said(cmd, text, err)
}
