// Package recipe reads what is to be built and run: an apprunner.yaml of version 1.0, or the CodeConfigurationValues of
// the API, both into a Recipe. It does no I/O and knows no runtimes: who calls it says which there are.
package recipe

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"maps"
	"slices"
)

// Names of the stages that apprunner.yaml has commands for.
const (
	StagePreBuild  = "pre-build"
	StageBuild     = "build"
	StagePostBuild = "post-build"
	StagePreRun    = "pre-run"
)

// Runtime is what Parse and FromValues have to know of a managed runtime.
type Runtime struct {
	Name     string // as apprunner.yaml has it: python311
	Original bool   // has App Runner's original build process, else the revised one
}

// Recipe is how a source becomes a running program.
//
// A stage's commands run in order, each by `/bin/sh -c` in a shell of its own that begins in the source directory, and
// the first that fails ends the build. What a command leaves in files stays; what it does to its shell, such as cd and
// export, is gone with it. App Runner does so too: each command is a RUN of its own in the logs of its builds.
type Recipe struct {
	Runtime  string // as apprunner.yaml has it: python311
	Version  string // what the runtime's version is locked to, as it is written: "", "3", "3.10", "3.11.4"
	Original bool   // built by App Runner's original process, else by the revised one

	PreBuild, Build, PostBuild, PreRun []string

	Env     map[string]string // of the commands, not of the running program; never nil
	Run     Run
	Notices []string // what is no fault and yet worth a line in the deployment's log
}

// Run is how the program is started in what was built.
type Run struct {
	Command string            // one line
	Port    int               // 1 to 65535
	PortEnv string            // a variable that gets the port too, beside PORT; "" for none
	Env     map[string]string // without PORT and PortEnv; never nil
	Secrets map[string]string // name -> where the value is: an ARN, or the name of an SSM parameter; never nil
}

// keyFormat is part of every key: a build of another format's key is not found again.
const keyFormat = "recipe 1"

// Key is a stable hash, in hexadecimal, over all of the recipe that decides the build's result, and over parts: what else
// does (the source's tree, the base image, ...), in an order that the caller keeps to. What only the running program sees
// is not in it: its command, port, variables and secrets change without a build.
func (r Recipe) Key(parts ...string) string {
	h := sha256.New()
	put(h, keyFormat, r.Runtime, r.Version, fmt.Sprint(r.Original))
	for _, commands := range [][]string{r.PreBuild, r.Build, r.PostBuild, r.PreRun} {
		list(h, commands)
	}
	var variables []string
	for _, name := range slices.Sorted(maps.Keys(r.Env)) {
		variables = append(variables, name, r.Env[name])
	}
	list(h, variables)
	list(h, parts)
	return hex.EncodeToString(h.Sum(nil))
}

// list hashes a list so that no other list, nor two of them, hash alike.
func list(h hash.Hash, texts []string) {
	put(h, fmt.Sprint(len(texts)))
	put(h, texts...)
}

func put(h hash.Hash, texts ...string) {
	for _, text := range texts {
		fmt.Fprintf(h, "%d:%s", len(text), text)
	}
}
