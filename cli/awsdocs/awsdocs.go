// Package awsdocs finds what AWS says of the members of its API where one of AWS's own tools has it on this machine: in
// the models that botocore reads, of which the AWS CLI has a copy. Those sentences are AWS's, so apron carries none; but
// a skeleton for --cli-input-yaml shows them, and a script may compare two. The command line asks only for such a
// skeleton. Nothing is fetched.
package awsdocs

import (
	"cmp"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Docs are the first sentences of a service's members.
type Docs struct{ models []*published }

// published is a model as AWS publishes it, as far as it documents members.
type published struct {
	Operations map[string]struct{} `json:"operations"`
	Shapes     map[string]struct {
		Documentation string         `json:"documentation"`
		Members       map[string]ref `json:"members"`
	} `json:"shapes"`
}

type ref struct {
	Shape         string `json:"shape"`
	Documentation string `json:"documentation"`
}

// Find reads the model of the service that the user keeps in AWS_DATA_PATH or ~/.aws/models, which AWS's CLI takes in the
// place of its own; without one, every model that is found where AWS's CLI and botocore are usually installed. A model
// that cannot be read is passed over.
func Find(service string, lookupEnv func(string) (string, bool)) *Docs {
	env := func(name string) string { value, _ := lookupEnv(name); return value }
	for _, place := range append(filepath.SplitList(env("AWS_DATA_PATH")), filepath.Join(env("HOME"), ".aws", "models")) {
		if found := readAll(place, service); len(found) > 0 {
			return &Docs{found[:1]}
		}
	}
	d := &Docs{}
	for _, pattern := range installed(env) {
		d.models = append(d.models, readAll(pattern, service)...)
	}
	// Which one is the newest shows in how much it knows.
	slices.SortStableFunc(d.models, func(a, b *published) int { return cmp.Compare(len(b.Operations), len(a.Operations)) })
	return d
}

// readAll reads the models of the service in directories of that pattern.
func readAll(pattern, service string) (found []*published) {
	paths, _ := filepath.Glob(filepath.Join(pattern, service, "*", "service-2.json*"))
	for _, path := range paths {
		if m, err := read(path); err == nil {
			found = append(found, m)
		}
	}
	return found
}

// installed are patterns of directories in which AWS's tools hold their models.
func installed(env func(string) string) []string {
	home := env("HOME")
	list := []string{"/usr/local/aws-cli/v2/current/dist/awscli/botocore/data"}
	for _, prefix := range []string{
		env("VIRTUAL_ENV"), filepath.Join(home, ".local"), "/usr/local", "/usr", "/opt/homebrew/opt/awscli/libexec",
		filepath.Join(cmp.Or(env("PYENV_ROOT"), filepath.Join(home, ".pyenv")), "versions", "*"),
	} {
		if prefix == "" {
			continue
		}
		for _, packages := range []string{"lib/python3*/site-packages", "lib/python3*/dist-packages"} {
			list = append(list, filepath.Join(prefix, packages, "awscli/botocore/data"), filepath.Join(prefix, packages, "botocore/data"))
		}
	}
	return list
}

// largest is more than any model has; what is beyond it is not read.
const largest = 64 << 20

func read(path string) (*published, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var text io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if text, err = gzip.NewReader(f); err != nil {
			return nil, err
		}
	}
	m := &published{}
	return m, json.NewDecoder(io.LimitReader(text, largest)).Decode(m)
}

// Member is the first sentence of what AWS says of a structure's member, which may be nothing; ok is false where no model
// has the member.
func (d *Docs) Member(structure, member string) (text string, ok bool) {
	for _, m := range d.models {
		r, ok := m.Shapes[structure].Members[member]
		if !ok {
			continue
		}
		return sentence(cmp.Or(r.Documentation, m.Shapes[r.Shape].Documentation)), true
	}
	return "", false
}
