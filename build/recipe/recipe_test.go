package recipe

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"apron/api"
)

var update = flag.Bool("update", false, "write the recipes anew")

// Each file of testdata is of a shape that real repositories have; beside it lies the recipe that it is.
func TestParse_MakesRecipesOfWhatPeopleWrite(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no files:", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			golden := strings.TrimSuffix(file, ".yaml") + ".json"
			got := recipeOf(t, file)
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func recipeOf(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := Parse(FileName, data, append(known, Runtime{"corretto11", true})...)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(f); err != nil {
		t.Fatal(err)
	}
	return []byte(out.String())
}

func TestParse_ReadsWindowsFilesAndByteOrderMarks(t *testing.T) {
	want, err := Parse(FileName, []byte(least), known...)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse(FileName, []byte("\ufeff"+strings.ReplaceAll(least, "\n", "\r\n")), known...)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
}

func TestFromValues_IsTheSameAsTheFile(t *testing.T) {
	file := `version: 1.0
runtime: python3
build: {commands: {build: [pip install -r requirements.txt]}}
run:
  command: python app.py
  network: {port: 8000}
  env: [{name: A, value: b}]
  secrets: [{name: C, value-from: /d}]
`
	want, err := Parse(FileName, []byte(file), known...)
	if err != nil {
		t.Fatal(err)
	}
	got, err := FromValues(&api.CodeConfigurationValues{
		Runtime:                     api.RuntimePython3,
		BuildCommand:                new("pip install -r requirements.txt"),
		StartCommand:                new("python app.py"),
		Port:                        new("8000"),
		RuntimeEnvironmentVariables: map[string]string{"A": "b"},
		RuntimeEnvironmentSecrets:   map[string]string{"C": "/d"},
	}, known...)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
}

func TestFromValues_BuildsNothingWithoutABuildCommand(t *testing.T) {
	got, err := FromValues(&api.CodeConfigurationValues{Runtime: api.RuntimeGo1, StartCommand: new("./server")}, known...)
	want := Recipe{Runtime: "go1", Original: true, Env: map[string]string{}, Run: Run{Command: "./server", Port: 8080, Env: map[string]string{}, Secrets: map[string]string{}}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
}

func TestFromValues_SaysAllThatIsWrong(t *testing.T) {
	_, err := FromValues(&api.CodeConfigurationValues{
		Runtime:                     api.RuntimePHP81,
		Port:                        new("http"),
		RuntimeEnvironmentVariables: map[string]string{"AWSAPPRUNNER": "1"},
		RuntimeEnvironmentSecrets:   map[string]string{"A=": "/a"},
	}, known...)
	want := []string{
		"CodeConfigurationValues: StartCommand is empty. Write what starts the program, such as `python3 app.py`.",
		`CodeConfigurationValues: Port is "http", and has to be a number from 1 to 65535.`,
		`CodeConfigurationValues: "AWSAPPRUNNER" in RuntimeEnvironmentVariables begins with AWSAPPRUNNER, which is reserved. Rename it.`,
		`CodeConfigurationValues: "A=" in RuntimeEnvironmentSecrets holds an equals sign, which no variable can have in its name. Rename it.`,
		`CodeConfigurationValues: there is no runtime "php81". There are python3, python311, nodejs18, nodejs22 and go1.`,
	}
	if _, ok := errors.AsType[*Faults](err); !ok || err.Error() != strings.Join(want, "\n") {
		t.Errorf("got\n%v", err)
	}
	if _, err := FromValues(nil); err == nil {
		t.Error("no values are taken")
	}
}

// The API's names of runtimes are those of apprunner.yaml but for case and underscores (reference, section 6.4).
func TestFromValues_KnowsEachRuntimeOfTheAPI(t *testing.T) {
	for runtime, want := range map[api.Runtime]string{
		api.RuntimePython3: "python3", api.RuntimePython311: "python311", api.RuntimeNodeJS12: "nodejs12", api.RuntimeCorretto8: "corretto8",
		api.RuntimeCorretto11: "corretto11", api.RuntimeGo1: "go1", api.RuntimeDotnet6: "dotnet6", api.RuntimePHP81: "php81", api.RuntimeRuby31: "ruby31",
	} {
		got, err := FromValues(&api.CodeConfigurationValues{Runtime: runtime, StartCommand: new("./app")})
		if err != nil || got.Runtime != want {
			t.Errorf("%s is %q, %v", runtime, got.Runtime, err)
		}
	}
}

func sample() Recipe {
	return Recipe{
		Runtime: "python311", Version: "3.11", PreBuild: []string{"a"}, Build: []string{"b", "c"}, PostBuild: []string{"d"}, PreRun: []string{"e"},
		Env: map[string]string{"F": "g", "H": "i"},
		Run: Run{Command: "./app", Port: 80, Env: map[string]string{"J": "k"}, Secrets: map[string]string{"L": "/m"}},
	}
}

func TestKey_ChangesWithWhatIsBuilt(t *testing.T) {
	seen := map[string]string{sample().Key("tree", "base"): "the sample"}
	for name, change := range map[string]func(*Recipe){
		"runtime":            func(r *Recipe) { r.Runtime = "python312" },
		"version":            func(r *Recipe) { r.Version = "" },
		"process":            func(r *Recipe) { r.Original = true },
		"commands moved":     func(r *Recipe) { r.PreBuild, r.Build = []string{"a", "b"}, []string{"c"} },
		"commands joined":    func(r *Recipe) { r.Build = []string{"b\nc"} },
		"commands swapped":   func(r *Recipe) { r.Build = []string{"c", "b"} },
		"post-build":         func(r *Recipe) { r.PostBuild = nil },
		"pre-run":            func(r *Recipe) { r.PreRun = nil },
		"variable":           func(r *Recipe) { r.Env = map[string]string{"F": "g", "H": "j"} },
		"variables swapped":  func(r *Recipe) { r.Env = map[string]string{"F": "i", "H": "g"} },
		"variable less":      func(r *Recipe) { r.Env = map[string]string{"F": "g"} },
		"variable's own end": func(r *Recipe) { r.Env = map[string]string{"F": "g1:H1:i"} },
	} {
		r := sample()
		change(&r)
		key := r.Key("tree", "base")
		if other, same := seen[key]; same {
			t.Errorf("%s has the key of %s", name, other)
		}
		seen[key] = name
	}
	for _, parts := range [][]string{{}, {"tree"}, {"base", "tree"}, {"treebase"}, {"tree", "base", ""}} {
		if other, same := seen[sample().Key(parts...)]; same {
			t.Errorf("the parts %q have the key of %s", parts, other)
		}
	}
}

// A key is stored with the image that it led to. This one may change only when what was built before is to be built again.
func TestKey_IsStable(t *testing.T) {
	const want = "b335efebff0b9c3924d28b6156d4a8e7bff685efa42e30787ce450cea27be0b6"
	if got := sample().Key("tree", "base"); got != want {
		t.Errorf("got %s", got)
	}
}

func TestKey_LeavesOutWhatOnlyRuns(t *testing.T) {
	r := sample()
	r.Run = Run{Command: "./other", Port: 81, PortEnv: "P", Env: map[string]string{"X": "y"}}
	r.Notices = []string{"something"}
	if r.Key("tree") != sample().Key("tree") {
		t.Error("what only the running program sees changes the key")
	}
}
