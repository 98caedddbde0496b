// Package profile reads the configuration of the AWS CLI: its two files, the environment, and what the command line says
// on top of both. It answers what a command needs to know before it can call a service: which region, which endpoint,
// how often to try, whose credentials. Everything that can be wrong with a configuration is found here, in the order in
// which the AWS CLI finds it and in its words, because scripts read both.
//
// Reading is cheap, and nothing is asked of a network or another program unless a profile wants it.
package profile

import (
	"maps"
	"os"
	"slices"

	"apron/cli/document"
)

// Env is what the configuration is read from besides the command line.
type Env struct {
	Lookup func(name string) (string, bool)      // variables; os.LookupEnv when nil
	Prompt func(question string) (string, error) // asks for the code of an MFA device; without it there is none to give
}

func (e Env) lookup(name string) (string, bool) {
	if e.Lookup == nil {
		return os.LookupEnv(name)
	}
	return e.Lookup(name)
}

// get is the variable's value, or "" where it is not set: for the variables of which AWS's CLI asks no more.
func (e Env) get(name string) string {
	value, _ := e.lookup(name)
	return value
}

// Session is a configuration that was read, and the profile chosen from it. It is not safe for concurrent use.
type Session struct {
	env      Env
	chosen   string                   // by the command line; "" is none
	region   *string                  // likewise; nil is none
	profiles map[string]*document.Map // of both files, the credentials' values first
	config   *configFile
	secrets  map[string]*document.Map // sections of the credentials file; nil without one
}

// Open reads the configuration files. A file that is not there is no error; one that is no INI file is a *ParseError.
// Which profile is meant, and whether there is one, is not asked yet.
func Open(env Env) (*Session, error) {
	config, err := readConfig(env.path("AWS_CONFIG_FILE", "~/.aws/config"))
	if err != nil {
		return nil, err
	}
	secrets, err := readSections(env.path("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"), true)
	if err != nil {
		return nil, err
	}
	return &Session{env: env, config: config, secrets: byName(secrets), profiles: merge(config.profiles, secrets)}, nil
}

// merge lays the sections of the credentials file over the profiles of the other.
func merge(profiles map[string]*document.Map, secrets []section) map[string]*document.Map {
	merged := make(map[string]*document.Map, len(profiles)+len(secrets))
	maps.Copy(merged, profiles)
	for _, s := range secrets {
		both := &document.Map{}
		if values, ok := merged[s.name]; ok {
			for key, value := range values.All() {
				both.Set(key, value)
			}
		}
		for key, value := range s.values.All() {
			both.Set(key, value)
		}
		merged[s.name] = both
	}
	return merged
}

// Choose takes the profile that the command line names; "" leaves the choice to the environment.
func (s *Session) Choose(profile string) { s.chosen = profile }

// Profile is the name of the profile in use: the one chosen, that of the environment, or "default".
func (s *Session) Profile() string {
	if name, ok := s.named(); ok && name != "" {
		return name
	}
	return "default"
}

// named is the profile that somebody asked for by name, and whether anybody did.
func (s *Session) named() (string, bool) {
	if s.chosen != "" {
		return s.chosen, true
	}
	for _, variable := range []string{"AWS_PROFILE", "AWS_DEFAULT_PROFILE"} {
		if name, ok := s.env.lookup(variable); ok {
			return name, true
		}
	}
	return "", false
}

// scoped is the section of the profile in use. A profile that was named must be there; "default" need not.
func (s *Session) scoped() (*document.Map, error) {
	name, ok := s.named()
	if !ok {
		return s.profile("default"), nil
	}
	if values, ok := s.profiles[name]; ok {
		return values, nil
	}
	return nil, &ProfileNotFoundError{Profile: name}
}

// profile is the section of that profile, empty where there is none.
func (s *Session) profile(name string) *document.Map {
	if values, ok := s.profiles[name]; ok {
		return values
	}
	return &document.Map{}
}

// Profiles are the names of all profiles of both files, sorted.
func (s *Session) Profiles() []string { return slices.Sorted(maps.Keys(s.profiles)) }
