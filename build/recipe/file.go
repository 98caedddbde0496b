package recipe

// FileName is the name that App Runner looks for in the source directory; it knows no apprunner.yml.
const FileName = "apprunner.yaml"

// File is an apprunner.yaml of version 1.0, with the defaults that App Runner has for what is left out.
type File struct {
	Runtime string
	Build   BuildSection
	Run     RunSection

	// Original is that of the runtime's entry among those given to Parse.
	Original bool
	// Notices are what Parse found that is no fault: "apprunner.yaml:12:3: ...".
	Notices []string
}

// BuildSection is the key build.
type BuildSection struct {
	PreBuild, Build, PostBuild []string
	Env                        map[string]string
}

// RunSection is the key run.
type RunSection struct {
	RuntimeVersion string // as it is written: 3.10 stays 3.10
	PreRun         []string
	Command        string
	Port           int
	PortEnv        string
	Env, Secrets   map[string]string
}

// Parse reads an apprunner.yaml, which its errors call name. It is strict: what is not in App Runner's reference is a
// fault, and all faults are found at once. With runtimes given, any other is a fault. Errors are *Faults.
func Parse(name string, data []byte, runtimes ...Runtime) (*File, error) { panic("soon") }
