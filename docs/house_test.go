// Package docs holds no code: its tests hold the house against what the documents say of it.
package docs

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// pkg is what `go list` says of a package.
type pkg struct {
	ImportPath string
	Doc        string
	Imports    []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-tags", "seccomp,netgo,osusergo", "-json=ImportPath,Doc,Imports", "./...")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var list []pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

func TestPackages_SayWhatTheyAre(t *testing.T) {
	for _, p := range packages(t) {
		if p.ImportPath != "apron/docs" && len(p.Doc) < 40 {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
	}
}

// TestImports_PointOneWay has each package's whole allowance inside apron. What is not named may import nothing of it.
func TestImports_PointOneWay(t *testing.T) {
	builds := []string{"apron/build", "apron/build/recipe", "apron/build/runtimes", "apron/build/source"}
	machine := []string{"apron/api", "apron/store", "apron/fleet", "apron/image", "apron/proxy", "apron/logs", "apron/autoscale", "apron/tags"}
	allowed := map[string][]string{
		"apron/awsjson":                   {"apron/api"},
		"apron/control":                   {"apron/api", "apron/awsjson", "apron/store", "apron/fleet", "apron/tags"},
		"apron/operation":                 append(builds, machine...),
		"apron/autodeploy":                {"apron/api", "apron/logs", "apron/store"},
		"apron/store":                     {"apron/api"},
		"apron/tags":                      {"apron/spelling"},
		"apron/disk":                      nil,
		"apron/telemetry":                 {"apron/proxy"},
		"apron/keyring":                   nil, // what it opens, cmd/apron hands on as functions
		"apron/edge":                      {"apron/proxy"},
		"apron/proxy":                     {"apron/proxy/http1"},
		"apron/certs":                     {"apron/keyring"},
		"apron/fleet":                     {"apron/driver"},
		"apron/build":                     {"apron/api", "apron/build/recipe", "apron/build/runtimes", "apron/build/source", "apron/driver", "apron/image", "apron/logs"},
		"apron/build/recipe":              {"apron/api", "apron/spelling"},
		"apron/build/source":              {"apron/spelling"},
		"apron/build/runtimes":            {"apron/api", "apron/driver", "apron/image"},
		"apron/driver/container":          {"apron/driver", "apron/image"},
		"apron/driver/drivertest":         {"apron/driver", "apron/driver/drivertest/testapp"},
		"apron/driver/drivertest/app":     {"apron/driver/drivertest/testapp"},
		"apron/store/storetest":           {"apron/store"},
		"apron/aprontest":                 {"apron/api", "apron/driver/container"},
		"apron/cmd/apron-clidiff":         {"apron/api", "apron/aprontest", "apron/cli/document", "apron/cli/model"},
		"apron/cmd/apron-demo":            {"apron/aprontest"},
		"apron/cmd/apron-bench":           {"apron/aprontest", "apron/api", "apron/store"},
		"apron/cmd/apron-bench-proxy":     {"apron/aprontest"},
		"apron/driver/container/testdata": nil,
	}
	for _, p := range packages(t) {
		if p.ImportPath == "apron/cmd/apron" {
			continue // it knows all the others
		}
		for _, path := range allowed[p.ImportPath] {
			if !slices.Contains(p.Imports, path) {
				t.Errorf("%s may import %s and does not: take that out", p.ImportPath, path)
			}
		}
		for _, imported := range p.Imports {
			if strings.HasPrefix(p.ImportPath+"/", "apron/cli/") && client(imported) {
				continue
			}
			if strings.HasPrefix(imported, "apron/") && !slices.Contains(allowed[p.ImportPath], imported) {
				t.Errorf("%s imports %s, against the map in README.md", p.ImportPath, imported)
			}
		}
	}
}

// TestAutoscale_KnowsNothingElse keeps the decisions where a text file can say them: no module, and of apron nothing.
func TestAutoscale_KnowsNothingElse(t *testing.T) {
	pure := []string{"context", "fmt", "log/slog", "sync", "time"}
	for _, p := range packages(t) {
		for _, imported := range p.Imports {
			if p.ImportPath == "apron/autoscale" && !slices.Contains(pure, imported) {
				t.Errorf("apron/autoscale imports %s", imported)
			}
		}
	}
}

// client reports whether the command line, which is a client of the platform, may import that package of apron: the
// API's shapes, the wire, what words are like, and other parts of itself.
func client(path string) bool {
	return path == "apron/api" || path == "apron/awsjson" || path == "apron/spelling" || strings.HasPrefix(path, "apron/cli/")
}

// TestMap_NamesWhatTheProgramIsMadeOf finds each package of apron that the program links in README's map, and each directory of
// the map in the checkout.
func TestMap_NamesWhatTheProgramIsMadeOf(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ = bytes.Cut(text, []byte("## Finding your way\n"))
	named := map[string]bool{}
	for _, row := range regexp.MustCompile(`(?m)^    (  )?((?:[a-z0-9-]+/)+(?: [a-z]+/)*) `).FindAllStringSubmatch(string(text), -1) {
		for dir := range strings.FieldsSeq(row[2]) {
			if row[1] != "" {
				dir = "cli/" + dir // the rules of the command line stand below it
			}
			named["apron/"+strings.TrimSuffix(dir, "/")] = true
			if _, err := os.Stat(filepath.Join("..", dir)); err != nil {
				t.Errorf("README's map: %v", err)
			}
		}
	}
	for _, path := range linked(t, "./cmd/apron") {
		if strings.HasPrefix(path, "apron/") && !named[path] {
			t.Errorf("README's map has no %s", path)
		}
	}
}

// linked are the paths of all packages that one is made of.
func linked(t *testing.T, path string) []string {
	t.Helper()
	cmd := exec.Command("go", "list", "-tags", "seccomp,netgo,osusergo", "-deps", path)
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(out))
}

// TestDependencies_HaveOneRowEach finds each module that go.mod asks for directly in the first column of the decision, and those
// of apron's packages that import it for the program in the second. A row names what follows its first module by the end of its path.
func TestDependencies_HaveOneRowEach(t *testing.T) {
	text, err := os.ReadFile("decisions/0001-dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string][]string{} // who imports it, as each row says
	for _, row := range regexp.MustCompile(`(?m)^\| (\S*[./][^|]*) \| ([^|]*) \|`).FindAllStringSubmatch(string(text), -1) {
		for name := range strings.SplitSeq(row[1], ", ") {
			rows[name] = append(rows[name], row[2])
		}
	}
	modules := directModules(t)
	for name, importers := range rows {
		if len(importers) > 1 {
			t.Errorf("%s has %d rows", name, len(importers))
		}
		if !slices.ContainsFunc(modules, func(module string) bool { return strings.HasSuffix("/"+module, "/"+name) }) {
			t.Errorf("%s has a row, and go.mod does not ask for it directly", name)
		}
	}
	program, all := linked(t, "./cmd/apron"), packages(t)
	for _, module := range modules {
		names := slices.DeleteFunc(slices.Collect(maps.Keys(rows)), func(row string) bool { return !strings.HasSuffix("/"+module, "/"+row) })
		if len(names) == 0 {
			t.Errorf("%s has no row", module)
			continue
		}
		row := slices.MaxFunc(names, func(a, b string) int { return len(a) - len(b) }) // x/term of one owner ends as another's does
		said := strings.FieldsFunc(rows[row][0], func(r rune) bool { return strings.ContainsRune(",;: ", r) })
		for _, p := range all {
			name := strings.TrimPrefix(p.ImportPath, "apron/")
			if slices.Contains(program, p.ImportPath) && importsOf(p, module) && !slices.Contains(said, name) {
				t.Errorf("%s is imported by %s, and its row has only %q", module, name, said)
			}
		}
	}
}

func importsOf(p pkg, module string) bool {
	return slices.ContainsFunc(p.Imports, func(path string) bool { return path == module || strings.HasPrefix(path, module+"/") })
}

func directModules(t *testing.T) []string {
	t.Helper()
	out, err := exec.Command("go", "mod", "edit", "-json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Require []struct {
			Path     string
			Indirect bool
		}
	}
	if err := json.Unmarshal(out, &file); err != nil {
		t.Fatal(err)
	}
	var direct []string
	for _, r := range file.Require {
		if !r.Indirect {
			direct = append(direct, r.Path)
		}
	}
	return direct
}

// TestDivergences_AreSaidOnce in each table: a merge of two branches that add rows can leave the same one twice.
func TestDivergences_AreSaidOnce(t *testing.T) {
	text, err := os.ReadFile("divergences.md")
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]int{}
	for i, line := range strings.Split(string(text), "\n") {
		if !strings.HasPrefix(line, "| ") {
			clear(said)
			continue
		}
		where := strings.TrimSpace(strings.Split(line, "|")[1])
		if before, twice := said[where]; twice {
			t.Errorf("divergences.md:%d: %s has a row at line %d already", i+1, where, before)
		}
		said[where] = i + 1
	}
}

// TestTests_StayOutOfTheProgram bans the test packages from what apron links.
func TestTests_StayOutOfTheProgram(t *testing.T) {
	program := linked(t, "./cmd/apron")
	for _, banned := range []string{"apron/aprontest", "apron/aprontest/terminal", "apron/driver/drivertest", "apron/image/imagetest", "apron/store/storetest", "testing", "github.com/aws/aws-sdk-go-v2/service/apprunner"} {
		if slices.Contains(program, banned) {
			t.Errorf("cmd/apron links %s", banned)
		}
	}
}

// TestWalkthrough_NamesWhatExists finds each `file.go` `Name` pair of the walkthrough in the code.
func TestWalkthrough_NamesWhatExists(t *testing.T) {
	text, err := os.ReadFile("walkthrough.md")
	if err != nil {
		t.Fatal(err)
	}
	pairs := regexp.MustCompile("`([a-z/0-9]+\\.go)`\\s+`([A-Za-z]+)`").FindAllStringSubmatch(string(text), -1)
	if len(pairs) < 10 {
		t.Fatalf("the walkthrough names only %d places", len(pairs))
	}
	for _, pair := range pairs {
		if !declares(t, filepath.Join("..", pair[1]), pair[2]) {
			t.Errorf("%s declares no %s", pair[1], pair[2])
		}
	}
}

func declares(t *testing.T, path, name string) bool {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(file.Decls, func(d ast.Decl) bool {
		f, ok := d.(*ast.FuncDecl)
		return ok && f.Name.Name == name
	})
}

// TestPackages_CompileNoRegexpAtStart keeps the start of a command short: an expression that a package compiles into a
// variable costs every command its time and memory.
func TestPackages_CompileNoRegexpAtStart(t *testing.T) {
	cmd := exec.Command("git", "ls-files", "--", "*.go", ":!*_test.go")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.FieldsSeq(string(out)) {
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", name), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.VAR && compiles(g) {
				t.Errorf("%s compiles a regular expression into a package's variable: use sync.OnceValue", name)
			}
		}
	}
}

// compiles reports whether a declaration calls into regexp as it is initialised, and not in a func that it defines.
func compiles(d ast.Node) (found bool) {
	ast.Inspect(d, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if ok {
			fun, _ := call.Fun.(*ast.SelectorExpr)
			if fun != nil {
				from, _ := fun.X.(*ast.Ident)
				found = found || from != nil && from.Name == "regexp"
			}
		}
		_, inFunc := n.(*ast.FuncLit)
		return !inFunc
	})
	return found
}

// TestCommandLine_LinksNothingOfThePlatform keeps what apron's command line starts with small.
func TestCommandLine_LinksNothingOfThePlatform(t *testing.T) {
	const services = "github.com/aws/aws-sdk-go-v2/service/"
	for _, path := range linked(t, "./cli") {
		service, ofAWS := strings.CutPrefix(path, services)
		switch {
		case path == "modernc.org/sqlite", strings.HasPrefix(path, "apron/") && !client(path) && path != "apron/cli":
			t.Errorf("apron/cli links %s", path)
		case ofAWS && service != "sts" && !strings.HasPrefix(service, "sts/") && !strings.HasPrefix(service, "internal/"):
			t.Errorf("apron/cli links %s: of AWS's services it may know sts alone", path)
		}
	}
}
