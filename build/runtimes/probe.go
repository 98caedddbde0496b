package runtimes

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"apron/driver"
)

// A version command takes hundredths of a second; Java's first start on a busy machine takes seconds.
const probeLimit = time.Minute

// Of what a version command prints, more than this is noise.
const maxOutput = 64 << 10

// versionOf is the version that the runtime has in an image. Each image is looked into once: what it holds never changes.
func (b *Bases) versionOf(ctx context.Context, rt Runtime, digest string) (string, error) {
	select {
	case b.probing <- struct{}{}: // also so that two builds do not start one instance
		defer func() { <-b.probing }()
	case <-ctx.Done():
		return "", fmt.Errorf("wait for a look into another base: %w", context.Cause(ctx))
	}
	known, err := b.knownVersions(digest)
	if err != nil {
		return "", err
	}
	command := strings.Join(rt.Probe, " ")
	if version, ok := known[command]; ok {
		return version, nil
	}
	output, err := b.run(ctx, digest, rt.Probe)
	if err != nil {
		return "", err
	}
	version, ok := rt.version(output)
	if !ok {
		return "", &Error{fmt.Sprintf("`%s` printed no version but %.200q", command, strings.TrimSpace(output))}
	}
	known[command] = version
	return version, writeJSON(b.versionsFile(digest), known)
}

// knownVersions are the versions that are on disk for an image, by the command that printed them.
func (b *Bases) knownVersions(digest string) (map[string]string, error) {
	known := map[string]string{}
	err := readJSON(b.versionsFile(digest), &known)
	return known, err
}

func (b *Bases) versionsFile(digest string) string {
	return filepath.Join(b.cfg.Dir, "versions", strings.TrimPrefix(digest, "sha256:")+".json")
}

// run runs a command in an image, without network, and returns what it printed. The instance's id derives from the image,
// so that one which was cut off by kill -9 is found and destroyed by the next try.
func (b *Bases) run(ctx context.Context, digest string, command []string) (output string, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, probeLimit, fmt.Errorf("it took longer than %v", probeLimit))
	defer cancel()
	id := probeID(digest)
	log := filepath.Join(b.cfg.Dir, id+".log")
	if err := errors.Join(b.cfg.Driver.Destroy(ctx, id), remove(log)); err != nil {
		return "", fmt.Errorf("clear the way for `%s`: %w", strings.Join(command, " "), err)
	}
	defer func() {
		clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), probeLimit)
		defer cancel()
		err = errors.Join(err, b.cfg.Driver.Destroy(clean, id), remove(log))
	}()
	err = b.cfg.Driver.Start(ctx, driver.Spec{
		ID: id, Service: id, Revision: id, Image: digest, Command: command, NoEgress: true,
		CPU: 1024, Memory: 1024, DiskMiB: 64, LogPath: log, Build: &driver.Build{},
	})
	if refused, ok := errors.AsType[*driver.ImageError](err); ok {
		return "", &Error{refused.Reason}
	}
	if err != nil {
		return "", err
	}
	return b.outcome(ctx, id, log, command)
}

func (b *Bases) outcome(ctx context.Context, id, log string, command []string) (string, error) {
	exit, err := b.cfg.Driver.Wait(ctx, id)
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return "", fmt.Errorf("run `%s`: %w", strings.Join(command, " "), err)
	}
	output, err := head(log)
	if err == nil && exit.Code != 0 {
		err = &Error{fmt.Sprintf("`%s` ended with exit code %d and printed %.200q", strings.Join(command, " "), exit.Code, strings.TrimSpace(output))}
	}
	return output, err
}

func probeID(digest string) string {
	sum := sha256.Sum256([]byte("version of " + digest))
	return hex.EncodeToString(sum[:16])
}

func head(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxOutput))
	return string(text), err
}
