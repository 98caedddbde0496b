// Package runtimes knows App Runner's managed runtimes, and newer ones, as data (runtimes.json), and finds for each the base
// that source code is built and run on: an image that the operator named, one that `apron runtime build` made of Debian
// packages, the default image from its registry, or this machine's own programs. build asks it for a base, cmd/apron for
// what there is. It must never run anything of a user's: the one thing it starts is a runtime's own version command.
package runtimes

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Runtime is one row of runtimes.json. Callers must not change what it points to.
type Runtime struct {
	Name  string // as in apprunner.yaml: "python311"
	Enum  string // as in the API: "PYTHON_311"; "" for those that App Runner lacks, which apron adds
	Title string // "Python 3.11"

	// Original says that builds go App Runner's original way, its commands run twice; false is the revised way.
	Original bool
	// Deprecated says since when the runtime has no support and what to move to; "" while it has. Nothing is refused for it.
	Deprecated string

	// Line is what every version of it begins with: "3.11", or "3" for python3.
	Line string
	// Image is the default base, with {version} where the version goes, if its registry has an image for each: it stands
	// for Version, or for the lock where that says more.
	Image   string
	Version string

	// Suite and Packages are what `apron runtime build` makes a base of: the Debian release that has the version. Both are
	// empty if none has.
	Suite    string
	Packages []string
	// BaseEnv is set in such a base, unless gcc is among its packages: Go would take for granted that there is a C compiler.
	BaseEnv map[string]string

	Probe    []string // the command that prints the version, on stdout or stderr
	Versions []string // regular expressions for it, the first that is found wins; one group, the version
	Tools    []string // programs that this machine must have to be a base

	// Caches are directories inside a build that only save time when they are kept for the next one.
	Caches []string
	// Env is for builds and for the running service; the user's own variables win.
	Env map[string]string
}

// Process names the build process as App Runner's documentation does: "original" or "revised".
func (r Runtime) Process() string {
	if r.Original {
		return original
	}
	return revised
}

const original, revised = "original", "revised"

// All are all runtimes, those of a language together, oldest first.
func All() []Runtime { return slices.Clone(table()) }

// Lookup finds a runtime by its name in apprunner.yaml or in the API: "python311", "PYTHON_311".
func Lookup(nameOrEnum string) (Runtime, bool) {
	i := slices.IndexFunc(table(), func(r Runtime) bool {
		return r.Name == nameOrEnum || r.Enum != "" && r.Enum == nameOrEnum
	})
	if i < 0 {
		return Runtime{}, false
	}
	return table()[i], true
}

//go:embed runtimes.json
var data []byte

// language is what its runtimes have in common; a runtime's own words win.
type language struct {
	Title    string            `json:"title"`
	Image    string            `json:"image"`
	Packages []string          `json:"packages"`
	BaseEnv  map[string]string `json:"base_env"`
	Probe    []string          `json:"probe"`
	Versions []string          `json:"versions"`
	Tools    []string          `json:"tools"`
	Caches   []string          `json:"caches"`
	Env      map[string]string `json:"env"`
}

// row is a runtime in the file.
type row struct {
	Name       string   `json:"name"`
	Enum       string   `json:"enum"`
	Origin     string   `json:"origin"` // "apron" for ours
	Language   string   `json:"language"`
	Process    string   `json:"process"`
	Line       string   `json:"line"`
	Version    string   `json:"version"` // the line where it is empty
	Deprecated string   `json:"deprecated"`
	Image      string   `json:"image"`
	Suite      string   `json:"suite"`
	Packages   []string `json:"packages"`
}

// table reads the file once. It is part of the program: that it is sound, a test says.
var table = sync.OnceValue(func() []Runtime {
	list, err := parse(data)
	if err != nil {
		panic(err)
	}
	return list
})

func parse(text []byte) ([]Runtime, error) {
	var file struct {
		Languages map[string]language `json:"languages"`
		Runtimes  []row               `json:"runtimes"`
	}
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.DisallowUnknownFields()
	if err := d.Decode(&file); err != nil {
		return nil, fmt.Errorf("read runtimes.json: %w", err)
	}
	var list []Runtime
	for _, r := range file.Runtimes {
		l, ok := file.Languages[r.Language]
		if !ok {
			return nil, fmt.Errorf("read runtimes.json: %s has the unknown language %q", r.Name, r.Language)
		}
		list = append(list, r.of(l))
	}
	return list, nil
}

func (r row) of(l language) Runtime {
	rt := Runtime{
		Name: r.Name, Enum: r.Enum, Title: l.Title + " " + r.Line, Original: r.Process == original, Deprecated: r.Deprecated,
		Line: r.Line, Version: r.Version, Image: r.Image, Suite: r.Suite, Packages: r.Packages,
		BaseEnv: l.BaseEnv, Probe: l.Probe, Versions: l.Versions, Tools: l.Tools, Caches: l.Caches, Env: l.Env,
	}
	if rt.Version == "" {
		rt.Version = r.Line
	}
	if rt.Image == "" {
		rt.Image = l.Image
	}
	if rt.Packages == nil && rt.Suite != "" {
		rt.Packages = l.Packages
	}
	return rt
}
