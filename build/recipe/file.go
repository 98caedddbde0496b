package recipe

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"go.yaml.in/yaml/v4"
)

// FileName is the name of the file in the source directory. App Runner knows no other.
const FileName = "apprunner.yaml"

const defaultPort = 8080

// Parse reads an apprunner.yaml, which its errors call name, with App Runner's defaults for what is left out. It is strict: what
// is not in App Runner's reference is a fault, and all faults are found at once. With runtimes given, every other is a fault.
// Errors are *Faults.
func Parse(name string, data []byte, runtimes ...Runtime) (Recipe, error) {
	root, fault := load(data)
	if fault != nil {
		return Recipe{}, &Faults{name, []Fault{*fault}}
	}
	r := reader{runtimes: runtimes, places: map[variable]*yaml.Node{}}
	recipe := Recipe{Env: map[string]string{}, Run: Run{Port: defaultPort, Env: map[string]string{}, Secrets: map[string]string{}}}
	r.file(root, &recipe)
	if len(r.faults) > 0 {
		sortFaults(r.faults)
		return Recipe{}, &Faults{name, r.faults}
	}
	sortFaults(r.notices)
	for _, n := range r.notices {
		recipe.Notices = append(recipe.Notices, n.in(name))
	}
	return recipe, nil
}

func (r *reader) file(n *yaml.Node, to *Recipe) {
	r.object(n, "", "the file", readers{
		"version": r.version,
		"runtime": func(n *yaml.Node) { to.Runtime, to.Original = r.runtime(n) },
		"build":   func(n *yaml.Node) { r.build(n, to) },
		"run":     func(n *yaml.Node) { r.run(n, to) },
	})
}

func (r *reader) version(n *yaml.Node) {
	if v, ok := r.text(n, "version"); ok && v != "1.0" {
		r.fault(n, "version is %s, and 1.0 is the only one there is. Write `version: 1.0`.", shown(v))
	}
}

func (r *reader) runtime(n *yaml.Node) (name string, original bool) {
	name, ok := r.text(n, "runtime")
	if !ok {
		return "", false
	}
	i := slices.IndexFunc(r.runtimes, func(known Runtime) bool { return known.Name == name })
	if i >= 0 {
		return name, r.runtimes[i].Original
	}
	if text := unknownRuntime(name, r.runtimes); text != "" {
		r.fault(n, "%s", text)
	}
	return name, false
}

// unknownRuntime is what to say of a runtime that is none of those known, or "" where nobody said which are.
func unknownRuntime(name string, known []Runtime) string {
	if name == "dockerfile" {
		return "apron doesn't build Dockerfiles. Push the image that yours makes and deploy it with an ImageRepository, or name a managed runtime."
	}
	if len(known) == 0 {
		return ""
	}
	var names []string
	for _, r := range known {
		names = append(names, r.Name)
	}
	text := "there is no runtime " + shown(name) + ". "
	if meant := near(name, names); meant != "" {
		text += "Did you mean " + meant + "? "
	}
	return text + "There are " + sentence(names) + "."
}

func (r *reader) build(n *yaml.Node, to *Recipe) {
	r.object(n, "build", "build", readers{
		"commands": func(n *yaml.Node) {
			r.object(n, "build.commands", "build.commands", readers{
				StagePreBuild:  func(n *yaml.Node) { to.PreBuild = r.commands(n, "build.commands.pre-build") },
				StageBuild:     func(n *yaml.Node) { to.Build = r.commands(n, "build.commands.build") },
				StagePostBuild: func(n *yaml.Node) { to.PostBuild = r.commands(n, "build.commands.post-build") },
			})
		},
		"env": func(n *yaml.Node) { to.Env = r.variables(n, "build.env", "value", r.checkBuildVariable) },
	})
}

func (r *reader) run(n *yaml.Node, to *Recipe) {
	run := &to.Run
	r.object(n, "run", "run", readers{
		"runtime-version": func(n *yaml.Node) { to.Version = r.lock(n) },
		"pre-run": func(n *yaml.Node) {
			to.PreRun = r.commands(n, "run.pre-run")
			if to.Original && len(to.PreRun) > 0 {
				r.notice(n, "App Runner's reference says not to use pre-run with %s, whose build has no such stage. Move its commands to build.", to.Runtime)
			}
		},
		"command": func(n *yaml.Node) { run.Command = r.startCommand(n) },
		"network": func(n *yaml.Node) { r.network(n, run) },
		"env":     func(n *yaml.Node) { run.Env = r.variables(n, "run.env", "value", r.checkRunVariable) },
		"secrets": func(n *yaml.Node) { run.Secrets = r.variables(n, "run.secrets", "value-from", r.checkSecret) },
	})
	r.checkApart(run)
}

// checkApart looks for variables that would get a value from two places.
func (r *reader) checkApart(run *Run) {
	for _, name := range slices.Sorted(maps.Keys(run.Secrets)) {
		if _, twice := run.Env[name]; twice {
			r.fault(r.places[variable{"run.secrets", name}], "run.env and run.secrets both have %s. Keep one of them.", shown(name))
		}
	}
	for _, list := range []string{"run.env", "run.secrets"} {
		if at := r.places[variable{list, run.PortEnv}]; at != nil && run.PortEnv != "" {
			r.fault(at, "%s has %s, which env in run.network gives the port. Remove one of them.", list, shown(run.PortEnv))
		}
	}
}

// versionLock is a version in whole or its beginning; Corretto's have five parts.
var versionLock = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9]{1,6}(\.[0-9]{1,6}){0,4}$`) })

func (r *reader) lock(n *yaml.Node) string {
	v, ok := r.text(n, "run.runtime-version")
	if ok && !versionLock().MatchString(v) {
		r.fault(n, "run.runtime-version is %s, and has to be numbers with dots between them. Write the version, or its beginning: 3, 3.11 or 3.11.4.", shown(v))
	}
	return v
}

func (r *reader) startCommand(n *yaml.Node) string {
	command, ok := r.text(n, "run.command")
	command = strings.TrimSpace(command)
	if text := startFault(command, "run.command"); ok && text != "" {
		r.fault(n, "%s", text)
	}
	return command
}

// startFault is what is wrong with a start command, or "".
func startFault(command, called string) string {
	switch {
	case command == "":
		return called + " is empty. Write what starts the program, such as `python3 app.py`."
	case strings.ContainsAny(command, "\r\n"):
		return called + " is longer than one line. Put the lines into a script in the repository and start that."
	}
	return ""
}

func (r *reader) network(n *yaml.Node, run *Run) {
	r.object(n, "run.network", "run.network", readers{
		"port": func(n *yaml.Node) {
			if v, ok := r.text(n, "run.network.port"); ok {
				if run.Port = port(v); run.Port == 0 {
					r.fault(n, "run.network.port is %s, and has to be a number from 1 to 65535.", shown(v))
				}
			}
		},
		"env": func(n *yaml.Node) {
			name, ok := r.text(n, "run.network.env")
			if text := nameFault(name, "run.network.env"); ok && text != "" {
				r.fault(n, "%s", text)
			} else if name != "PORT" {
				run.PortEnv = name
			}
		},
	})
}

// port is the number that a text has, without sign and leading zeros, or 0.
func port(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 65535 || strconv.Itoa(n) != text {
		return 0
	}
	return n
}
