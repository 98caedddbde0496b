package certs

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Outcome is what became of one store of trusted authorities.
type Outcome struct {
	Store  string // what it is, and who believes it
	Did    string // what was done, in the past tense, or that it was so before
	Err    error  // why nothing could be
	ByHand string // the command that does it, when Err is not nil
}

// Trust puts the authority into the stores of this machine: the system's, and those of the browsers of the user who asks. What has it
// already is left alone, and so is what cannot be written; the outcomes say which was which. It runs the machine's own
// programs for it and ends when ctx does.
func Trust(ctx context.Context, root *x509.Certificate) []Outcome {
	return append([]Outcome{trustSystem(ctx, root)}, eachDatabase(ctx, root, (*database).trust)...)
}

// Distrust takes the authority out of the stores that Trust puts it into.
func Distrust(ctx context.Context, root *x509.Certificate) []Outcome {
	return append([]Outcome{distrustSystem(ctx, root)}, eachDatabase(ctx, root, (*database).distrust)...)
}

// Debian's store: certificates are files of anchors, and update-ca-certificates makes the bundle of them that programs read.
const (
	anchors      = "/usr/local/share/ca-certificates"
	bundle       = "/etc/ssl/certs/ca-certificates.crt"
	updateSystem = "update-ca-certificates"
	systemStore  = "the system's store (curl, git, Go, Python's ssl)"
)

// anchor is the authority's file among the system's anchors. The number in it tells platforms apart.
func anchor(root *x509.Certificate) string {
	return filepath.Join(anchors, fmt.Sprintf("apron-%x.crt", root.SerialNumber.Bytes()[:8]))
}

func pemOf(root *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw})
}

func trustSystem(ctx context.Context, root *x509.Certificate) Outcome {
	o := Outcome{Store: systemStore}
	path := anchor(root)
	had, err := os.ReadFile(path)
	if err == nil && bytes.Equal(had, pemOf(root)) && inBundle(root) {
		o.Did = "had it already, as " + path
		return o
	}
	if o.Err = writeAnchor(path, pemOf(root)); o.Err == nil {
		o.Err = run(ctx, updateSystem)
	}
	o.Did = "has it now, as " + path
	o.ByHand = fmt.Sprintf("apron trust --print | sudo tee %s >/dev/null && sudo %s", path, updateSystem)
	return o
}

func distrustSystem(ctx context.Context, root *x509.Certificate) Outcome {
	o := Outcome{Store: systemStore}
	path := anchor(root)
	err := os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err = nil; !inBundle(root) {
			o.Did = "did not have it"
			return o
		}
	}
	if o.Err = err; err == nil {
		o.Err = run(ctx, updateSystem, "--fresh") // without it links to files that have gone stay
	}
	o.Did = "does not have it any more"
	o.ByHand = fmt.Sprintf("sudo rm -f %s && sudo %s --fresh", path, updateSystem)
	return o
}

// inBundle reports whether the system's programs believe the authority already.
func inBundle(root *x509.Certificate) bool {
	text, err := os.ReadFile(bundle)
	return err == nil && bytes.Contains(text, pemOf(root))
}

// writeAnchor replaces the file as a whole: a killed update must not leave half a certificate, which the next one stumbles over.
func writeAnchor(path string, text []byte) error {
	if _, err := os.Stat(anchors); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no %s: this system is not kept as Debian's is; give the certificate to it as it wants it", anchors)
	}
	tmp, err := os.CreateTemp(anchors, ".apron-") // no .crt: it is no anchor yet
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // gone already after the rename
	_, err = tmp.Write(text)
	if err := errors.Join(err, tmp.Chmod(0o644), tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

// run runs a program that asks nothing, and says what it printed when it fails.
func run(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	out, err := cmd.CombinedOutput()
	return said(cmd, out, err)
}

// said makes an error of what a program printed.
func said(cmd *exec.Cmd, out []byte, err error) error {
	if err == nil {
		return nil
	}
	text := strings.Join(strings.Fields(string(out)), " ")
	return fmt.Errorf("%s: %w: %s", filepath.Base(cmd.Path), err, text[:min(len(text), 300)])
}
