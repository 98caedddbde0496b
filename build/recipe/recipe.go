// Package recipe reads what is to be built and run: an apprunner.yaml of version 1.0, or the CodeConfigurationValues of
// the API, both into a Recipe. It does no I/O and knows no runtimes: who calls it says which there are.
package recipe

import "apron/api"

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

// Recipe is how a source becomes a running program. A stage's commands run in order, and the first that fails ends the
// build.
type Recipe struct {
	Runtime  string // as apprunner.yaml has it: python311
	Version  string // what the runtime's version is locked to: "", "3", "3.11" or "3.11.4"
	Original bool   // built by App Runner's original process, which knows no pre-run; else by the revised one

	PreBuild, Build, PostBuild, PreRun []string

	Env     map[string]string // of the commands, not of the running program; never nil
	Run     Run
	Notices []string // what is no fault and yet worth a line in the deployment's log
}

// Run is how the program is started in what was built.
type Run struct {
	Command string
	Port    int               // 1 to 65535
	PortEnv string            // a variable that gets the port too, beside PORT; "" for none
	Env     map[string]string // without PORT and PortEnv; never nil
	Secrets map[string]string // name -> where the value is: an ARN, or the name of an SSM parameter; never nil
}

// Stage is a list of commands and when they run.
type Stage struct {
	Name     string // StageBuild and the others
	Commands []string
}

// Stages are the stages that have commands, in the order of apprunner.yaml: pre-build, build, post-build, pre-run. Which
// of them run where is the build process's.
func (r Recipe) Stages() []Stage { panic("soon") }

// FromFile makes the recipe that a file of Parse holds.
func FromFile(f *File) Recipe { panic("soon") }

// FromValues makes the recipe of a configuration that came through the API. Original is that of the runtime's entry in
// runtimes; with none given no runtime is taken for unknown. Its errors are the user's, and name all that is wrong.
func FromValues(v *api.CodeConfigurationValues, runtimes ...Runtime) (Recipe, error) { panic("soon") }

// Key is a stable hash, in hexadecimal, over all of the recipe that decides the build's result, and over parts: what else
// does (the source's tree, the base image, ...). What only matters to the running program is not in it: its command, port,
// variables and secrets may change without a build.
func (r Recipe) Key(parts ...string) string { panic("soon") }
