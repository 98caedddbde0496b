package verb

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"sync"

	"apron/api"
)

// configFile is the name by which App Runner knows how to build a repository.
const configFile = "apprunner.yaml"

// recipe is how source is built and started, as flags say it.
type recipe struct{ runtime, build, start string }

func (r recipe) given() bool { return r != recipe{} }

// code is the configuration that a service is to have which has old now, nil if there is none: that of the flags on top of
// the old one, or else the file's, or else the old one.
func (u up) code(old *api.CodeConfiguration) (*api.CodeConfiguration, error) {
	fromFile := u.source.tree.Has(configFile) && !u.recipe.given()
	switch {
	case fromFile && (u.port != "" || len(u.env) > 0):
		return nil, Usage(errors.New(configFile + " says the port and the variables; set them there, or give --runtime, --build and --start instead of the file"))
	case fromFile:
		return &api.CodeConfiguration{ConfigurationSource: api.ConfigurationSourceRepository}, nil
	}
	values := &api.CodeConfigurationValues{}
	if old != nil && old.CodeConfigurationValues != nil {
		*values = *old.CodeConfigurationValues
	}
	if err := u.set(values); err != nil {
		return nil, err
	}
	if values.Runtime == "" || deref(values.StartCommand) == "" {
		return nil, Usage(u.unknownRecipe())
	}
	return &api.CodeConfiguration{ConfigurationSource: api.ConfigurationSourceAPI, CodeConfigurationValues: values}, nil
}

// set puts what was given on the command line in the place of what was there.
func (u up) set(v *api.CodeConfigurationValues) error {
	if u.recipe.runtime != "" {
		name := runtimeName().FindStringSubmatch(strings.ToUpper(u.recipe.runtime))
		if name == nil {
			return Usage(fmt.Errorf("--runtime %q is not of the form python311 or PYTHON_311", u.recipe.runtime))
		}
		v.Runtime = api.Runtime(name[1] + "_" + name[2])
		if api.Validate(&api.CodeConfigurationValues{Runtime: v.Runtime}) != nil {
			return Usage(fmt.Errorf("--runtime %s: the API has no runtime %s, but an %s with `runtime: %s` can name any that `apron runtime ls` shows",
				u.recipe.runtime, v.Runtime, configFile, strings.ToLower(name[1]+name[2])))
		}
	}
	for given, member := range map[*string]**string{&u.recipe.build: &v.BuildCommand, &u.recipe.start: &v.StartCommand, &u.port: &v.Port} {
		if *given != "" {
			*member = given
		}
	}
	if len(u.env) > 0 {
		v.RuntimeEnvironmentVariables = notNil(maps.Clone(v.RuntimeEnvironmentVariables))
		maps.Copy(v.RuntimeEnvironmentVariables, u.env)
	}
	return nil
}

var runtimeName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^([A-Z]+)_?([0-9]+)$`) })

// unknownRecipe says what is missing, with a guess from what lies in the directory.
func (u up) unknownRecipe() error {
	hint := "write an " + configFile + ", or give --runtime and --start, and --build where something is to be built"
	if g, from := guess(u.source.tree); g.given() {
		build := ""
		if g.build != "" {
			build = " --build " + quoted(g.build)
		}
		hint = fmt.Sprintf("going by its %s, this may do: apron up %s --runtime %s%s --start %s", from, quoted(u.source.name), g.runtime, build, quoted(g.start))
	}
	return fmt.Errorf("%s does not say how it is built and started; %s", u.source.name, hint)
}

// quoted is a word as a shell reads it.
func quoted(word string) string {
	if strings.Trim(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:-") == "" && word != "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
