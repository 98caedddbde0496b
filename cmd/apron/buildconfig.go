package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// BuildConfig is what can be set about building from source. Zero numbers leave it to the builder, which looks at the machine.
type BuildConfig struct {
	Limit  time.Duration // one build may take
	CPU    int           // 1024 units = one vCPU
	Memory int           // MiB
	AtOnce int           // builds at a time
	Source int           // MiB of a repository's objects, and of a commit's files

	// Files are the directories below which repositories are read through file URLs. Whoever may create services reads them
	// as the server does, so there are none unless the operator names them.
	Files []string

	// Loopback are the hosts, each HOST or HOST:PORT, that may be this machine itself when repositories are fetched. Instances
	// cannot reach it, and whoever may create services must not by way of the server.
	Loopback []string
}

func defaultBuilds() BuildConfig {
	return BuildConfig{Limit: time.Hour, Source: 1024}
}

func (c *BuildConfig) bind(fs *pflag.FlagSet) error {
	listVar(fs, &c.Files, "file-repositories", "APRON_FILE_REPOSITORIES", "`DIRECTORY` below which file:// repositories may be built from; repeat it or separate by commas")
	listVar(fs, &c.Loopback, "loopback-hosts", "APRON_LOOPBACK_HOSTS", "`HOST[:PORT]` of a git server that runs on this machine, and that repositories may be fetched from at a loopback address; repeat it or separate by commas")
	return errors.Join(
		durationVar(fs, &c.Limit, "build-limit", "APRON_BUILD_LIMIT", "how long one build may take"),
		numberVar(fs, &c.CPU, "build-cpu", "APRON_BUILD_CPU", "`UNITS` of CPU that a build may take where services leave them, 1024 a vCPU; 0 is all"),
		numberVar(fs, &c.Memory, "build-memory", "APRON_BUILD_MEMORY", "`MiB` of memory that a build may take; 0 is 3072"),
		numberVar(fs, &c.AtOnce, "builds", "APRON_BUILDS", "how many builds run at once; 0 is one for each two vCPUs"),
		numberVar(fs, &c.Source, "source-limit", "APRON_SOURCE_LIMIT", "`MiB` that a repository's branch may have, and the files of its commit"),
	)
}

func listVar(fs *pflag.FlagSet, list *[]string, name, env, usage string) {
	if text := os.Getenv(env); text != "" {
		*list = strings.Split(text, ",")
	}
	fs.StringSliceVar(list, name, *list, usage)
}

func numberVar(fs *pflag.FlagSet, n *int, name, env, usage string) error {
	def := *n
	if text := os.Getenv(env); text != "" {
		var err error
		if def, err = strconv.Atoi(text); err != nil {
			return fmt.Errorf("%s: %q is not a number", env, text)
		}
	}
	fs.IntVar(n, name, def, usage)
	return nil
}

// check finds what would fail later, and cleans the paths.
func (c *BuildConfig) check() error {
	errs := []error{checkPositive("--build-limit", c.Limit)}
	for flag, n := range map[string]int{"--build-cpu": c.CPU, "--build-memory": c.Memory, "--builds": c.AtOnce} {
		if n < 0 {
			errs = append(errs, fmt.Errorf("%s is %d and must not be less than zero", flag, n))
		}
	}
	if c.Source <= 0 {
		errs = append(errs, fmt.Errorf("--source-limit is %d and must be more than zero", c.Source))
	}
	for i, dir := range c.Files {
		if !filepath.IsAbs(dir) {
			errs = append(errs, fmt.Errorf("--file-repositories %q is not an absolute path", dir))
		}
		c.Files[i] = filepath.Clean(dir)
	}
	for i, host := range c.Loopback {
		if host == "" || strings.ContainsAny(host, "/@ ") {
			errs = append(errs, fmt.Errorf("--loopback-hosts %q is no host such as localhost or 127.0.0.1:3000", host))
		}
		c.Loopback[i] = strings.ToLower(host)
	}
	return errors.Join(errs...)
}
