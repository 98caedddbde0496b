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

// Find reads every model of the service that is found where botocore looks and where AWS's CLI and botocore are usually
// installed. A model that cannot be read is passed over.
func Find(service string, lookupEnv func(string) (string, bool)) *Docs {
	d := &Docs{}
	for _, pattern := range places(lookupEnv) {
		paths, _ := filepath.Glob(filepath.Join(pattern, service, "*", "service-2.json*"))
		for _, path := range paths {
			if m, err := read(path); err == nil {
				d.models = append(d.models, m)
			}
		}
	}
	// Which one is the newest shows in how much it knows. What is in a place of the user's own was put there on purpose,
	// and is asked first among equals.
	slices.SortStableFunc(d.models, func(a, b *published) int { return cmp.Compare(len(b.Operations), len(a.Operations)) })
	return d
}

// places are patterns of directories that hold models, those of the user first.
func places(lookupEnv func(string) (string, bool)) []string {
	env := func(name string) string { value, _ := lookupEnv(name); return value }
	home := env("HOME")
	list := filepath.SplitList(env("AWS_DATA_PATH"))
	list = append(list, filepath.Join(home, ".aws", "models"), "/usr/local/aws-cli/v2/current/dist/awscli/botocore/data")
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

// Member is the first sentence of what AWS says of a structure's member, or "" where no model has it.
func (d *Docs) Member(structure, member string) string {
	for _, m := range d.models {
		r, ok := m.Shapes[structure].Members[member]
		if !ok {
			continue
		}
		if s := sentence(cmp.Or(r.Documentation, m.Shapes[r.Shape].Documentation)); s != "" {
			return s
		}
	}
	return ""
}
