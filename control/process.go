package control

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"apron/api"
	"apron/fleet"
)

// process is what both kinds of source say of the process to run.
type process struct {
	port               string
	command            *string
	variables, secrets map[string]string
}

// processOf is the zero value where a file of the repository says it.
func processOf(s *api.SourceConfiguration) process {
	if image := s.ImageRepository; image != nil {
		c := image.ImageConfiguration
		return process{*c.Port, c.StartCommand, c.RuntimeEnvironmentVariables, c.RuntimeEnvironmentSecrets}
	}
	if v := valuesOf(s.CodeRepository); v != nil {
		return process{*v.Port, v.StartCommand, v.RuntimeEnvironmentVariables, v.RuntimeEnvironmentSecrets}
	}
	return process{}
}

// valuesOf are those that count: with ConfigurationSource REPOSITORY they are ignored.
func valuesOf(r *api.CodeRepository) *api.CodeConfigurationValues {
	if r == nil || r.CodeConfiguration == nil || r.CodeConfiguration.ConfigurationSource != api.ConfigurationSourceAPI {
		return nil
	}
	return r.CodeConfiguration.CodeConfigurationValues
}

func checkProcess(f *faults, s *api.SourceConfiguration) {
	if s.ImageRepository == nil && valuesOf(s.CodeRepository) == nil {
		return
	}
	p := processOf(s)
	if n, err := strconv.ParseUint(p.port, 10, 16); n == 0 || strconv.FormatUint(n, 10) != p.port || err != nil {
		f.add("Port %s isn't a port. Give a number from 1 to 65535.", shown(p.port))
	}
	checkEnvironment(f, p)
	if s.ImageRepository != nil {
		checkCommand(f, p.command)
	}
}

// maxVariable is the length in bytes from which Linux refuses to start a process with a variable, name and value.
const maxVariable = 128<<10 - 1

// checkEnvironment refuses names that App Runner reserves and what no process can have in its environment.
func checkEnvironment(f *faults, p process) {
	for name, value := range p.variables {
		checkName(f, "RuntimeEnvironmentVariables", name)
		if strings.Contains(value, "\x00") {
			f.add("A value in RuntimeEnvironmentVariables has a NUL character, which no process can have in its environment. Remove it.")
		}
		if len(name)+len("=")+len(value) >= maxVariable {
			f.add("A variable in RuntimeEnvironmentVariables is longer than Linux allows. Keep each below %d bytes, name and value together.", maxVariable)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.secrets)) {
		checkName(f, "RuntimeEnvironmentSecrets", name)
		if _, twice := p.variables[name]; twice {
			f.add("RuntimeEnvironmentVariables and RuntimeEnvironmentSecrets both have the name %s. Give it in one of them.", shown(name))
			return
		}
		if !api.IsSecret(p.secrets[name]) {
			f.add("RuntimeEnvironmentSecrets gives %s a value that names no secret. Give the ARN of a Secrets Manager secret or an SSM parameter, or the name of an SSM parameter.", shown(name))
			return
		}
	}
}

func checkName(f *faults, in, name string) {
	switch {
	case name == "PORT":
		f.add("PORT is reserved: App Runner sets it to the configured Port. Remove it from %s and set Port.", in)
	case strings.HasPrefix(name, "AWSAPPRUNNER"):
		f.add("Names of %s can't begin with AWSAPPRUNNER, which is reserved. Rename what does.", in)
	case strings.ContainsAny(name, "=\x00"):
		f.add("A name in %s has an equals sign or a NUL character, which no process can have in its environment. Rename it.", in)
	}
}

// checkCommand leaves the command itself out of the message: it may hold what nobody else is to read.
func checkCommand(f *faults, command *string) {
	if command == nil {
		return
	}
	if _, err := fleet.Command(*command, nil); err != nil {
		why := "it has no word"
		if cause := errors.Unwrap(err); cause != nil {
			why = cause.Error()
		}
		f.add("StartCommand can't be read as a command and its arguments: %s. For anything that needs a shell, write sh -c '...'.", why)
	}
}
