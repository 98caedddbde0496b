package recipe

import (
	"maps"
	"slices"
	"strings"

	"apron/api"
)

// FromValues makes the recipe of a configuration that came through the API. With runtimes given, every other is a fault.
// An absent BuildCommand builds nothing: the source runs as it is. Errors are *Faults.
func FromValues(v *api.CodeConfigurationValues, runtimes ...Runtime) (Recipe, error) {
	if v == nil {
		v = &api.CodeConfigurationValues{}
	}
	recipe := Recipe{
		Runtime: runtimeName(v.Runtime),
		Env:     map[string]string{},
		Run:     Run{Port: defaultPort, Env: cloned(v.RuntimeEnvironmentVariables), Secrets: cloned(v.RuntimeEnvironmentSecrets)},
	}
	faults := checkValues(v)
	if i := slices.IndexFunc(runtimes, func(r Runtime) bool { return r.Name == recipe.Runtime }); i >= 0 {
		recipe.Original = runtimes[i].Original
	} else if text := unknownRuntime(recipe.Runtime, runtimes); text != "" {
		faults = append(faults, Fault{Text: text})
	}
	if len(faults) > 0 {
		return Recipe{}, &Faults{"CodeConfigurationValues", faults}
	}
	if v.BuildCommand != nil && strings.TrimSpace(*v.BuildCommand) != "" {
		recipe.Build = []string{*v.BuildCommand}
	}
	if v.Port != nil {
		recipe.Run.Port = port(*v.Port)
	}
	recipe.Run.Command = strings.TrimSpace(*v.StartCommand)
	return recipe, nil
}

// runtimeName is how apprunner.yaml has a runtime of the API: python311 is PYTHON_311.
func runtimeName(r api.Runtime) string {
	return strings.ToLower(strings.ReplaceAll(string(r), "_", ""))
}

// checkValues holds them to the rules of apprunner.yaml. Most were checked when the request came in, by control.
func checkValues(v *api.CodeConfigurationValues) (faults []Fault) {
	add := func(text string) {
		if text != "" {
			faults = append(faults, Fault{Text: text})
		}
	}
	command := ""
	if v.StartCommand != nil {
		command = strings.TrimSpace(*v.StartCommand)
	}
	add(startFault(command, "StartCommand"))
	if v.Port != nil && port(*v.Port) == 0 {
		add("Port is " + shown(*v.Port) + ", and has to be a number from 1 to 65535.")
	}
	for _, name := range slices.Sorted(maps.Keys(v.RuntimeEnvironmentVariables)) {
		add(nameFault(name, "RuntimeEnvironmentVariables"))
	}
	for _, name := range slices.Sorted(maps.Keys(v.RuntimeEnvironmentSecrets)) {
		add(nameFault(name, "RuntimeEnvironmentSecrets"))
	}
	return faults
}

func cloned(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return maps.Clone(m)
}
