package runtimes_test

import (
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"apron/api"
	"apron/build/runtimes"
	"apron/image"
)

// enums are the values of Runtime in App Runner's model.
func enums(t *testing.T) []string {
	t.Helper()
	var model struct {
		Shapes struct {
			Runtime struct{ Enum []string }
		}
	}
	if err := json.Unmarshal(api.Model, &model); err != nil {
		t.Fatal(err)
	}
	return model.Shapes.Runtime.Enum
}

func TestRuntimes_AreThoseOfTheModelAndOurs(t *testing.T) {
	all := enums(t)
	if len(all) != 13 {
		t.Fatalf("the model has %d runtimes, want 13", len(all))
	}
	for _, enum := range all {
		rt, ok := runtimes.Lookup(enum)
		if !ok || rt.Enum == "" {
			t.Errorf("%s is not in the data as App Runner's", enum)
		}
		if want := strings.ToLower(strings.ReplaceAll(enum, "_", "")); rt.Name != want {
			t.Errorf("%s is called %q, want %q", enum, rt.Name, want)
		}
	}
	languages := map[string]bool{}
	for _, rt := range runtimes.All() {
		if rt.Enum != "" {
			continue
		}
		languages[strings.Fields(rt.Title)[0]] = true
		if rt.Original {
			t.Errorf("%s is ours and built the original way, which is for App Runner's old ones", rt.Name)
		}
	}
	for _, language := range []string{"Python", "Node.js", "Java", "Go", ".NET", "PHP", "Ruby"} {
		if !languages[language] {
			t.Errorf("there is no current %s", language)
		}
	}
}

// TestRuntimes_HaveAppRunnersBuildProcess has the table of App Runner's documentation.
func TestRuntimes_HaveAppRunnersBuildProcess(t *testing.T) {
	revised := []string{"PYTHON_311", "NODEJS_18", "NODEJS_22"}
	for _, enum := range enums(t) {
		rt, _ := runtimes.Lookup(enum)
		if rt.Original == slices.Contains(revised, enum) {
			t.Errorf("%s: original is %v", rt.Name, rt.Original)
		}
	}
}

func TestRuntimes_AreSound(t *testing.T) {
	seen := map[string]bool{}
	for _, rt := range runtimes.All() {
		t.Run(rt.Name, func(t *testing.T) {
			if seen[rt.Name] || !regexp.MustCompile(`^[a-z]+[0-9]+$`).MatchString(rt.Name) {
				t.Error("its name is taken or malformed")
			}
			seen[rt.Name] = true
			checkVersions(t, rt)
			checkPlaces(t, rt)
			checkPackages(t, rt)
			checkDeprecation(t, rt)
		})
	}
}

func checkVersions(t *testing.T, rt runtimes.Runtime) {
	if rt.Version != rt.Line && !strings.HasPrefix(rt.Version, rt.Line+".") {
		t.Errorf("version %s is not of the line %s", rt.Version, rt.Line)
	}
	if want := rt.Name[strings.IndexAny(rt.Name, "0123456789"):]; strings.ReplaceAll(rt.Line, ".", "") != want {
		t.Errorf("line %s is not what its name says", rt.Line)
	}
	if len(rt.Probe) == 0 || len(rt.Versions) == 0 || !slices.Contains(rt.Tools, rt.Probe[0]) {
		t.Errorf("probe %v, versions %v, tools %v", rt.Probe, rt.Versions, rt.Tools)
	}
	for _, pattern := range rt.Versions {
		if re, err := regexp.Compile(pattern); err != nil || re.NumSubexp() != 1 {
			t.Errorf("%s has no one group: %v", pattern, err)
		}
	}
}

// checkPlaces wants caches where nothing but root's own caches are: a directory of the system would hide what is in it.
func checkPlaces(t *testing.T, rt runtimes.Runtime) {
	if err := image.CheckName(strings.ReplaceAll(rt.Image, "{version}", rt.Version)); err != nil {
		t.Error(err)
	}
	if !strings.Contains(rt.Image, "/") || strings.HasSuffix(rt.Image, ":latest") {
		t.Errorf("image %s: want a registry's name and a version", rt.Image)
	}
	if len(rt.Caches) == 0 {
		t.Error("no cache")
	}
	for _, cache := range rt.Caches {
		if !strings.HasPrefix(cache, "/root/") || path.Clean(cache) != cache {
			t.Errorf("cache %s", cache)
		}
	}
	for name := range rt.Env {
		if name == "PATH" || name == "PORT" || !regexp.MustCompile(`^[A-Z][A-Z0-9_]*$`).MatchString(name) {
			t.Errorf("variable %s", name)
		}
	}
}

func checkPackages(t *testing.T, rt runtimes.Runtime) {
	if (rt.Suite == "") != (len(rt.Packages) == 0) {
		t.Errorf("suite %q with packages %v", rt.Suite, rt.Packages)
	}
	if rt.Suite != "" && !slices.Contains([]string{"bullseye", "bookworm", "trixie"}, rt.Suite) {
		t.Errorf("suite %s", rt.Suite)
	}
}

// checkDeprecation wants a deprecated runtime to name one that is not.
func checkDeprecation(t *testing.T, rt runtimes.Runtime) {
	if rt.Deprecated == "" {
		return
	}
	_, to, ok := strings.Cut(rt.Deprecated, "; move to ")
	next, known := runtimes.Lookup(to)
	if !ok || !known || next.Deprecated != "" || !slices.Equal(next.Probe, rt.Probe) {
		t.Errorf("%q names no runtime to move to", rt.Deprecated)
	}
}
