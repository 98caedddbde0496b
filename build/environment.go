package build

import (
	"maps"
	"slices"
	"strconv"
	"time"
)

// environment is that of all commands: what builds need to come out the same each time, the runtime's own, and build.env,
// later ones winning. It has no secrets, no PORT and nothing of run.env: the image must not depend on them. CI is not set, as
// App Runner does not: tools take warnings for errors when it is.
func (w *work) environment() []string {
	env := map[string]string{
		"HOME":              "/root",
		"USER":              "root",
		"LANG":              "C.UTF-8",
		"SOURCE_DATE_EPOCH": strconv.FormatInt(w.created().Unix(), 10),
		"PYTHONHASHSEED":    "0", // or the sets in compiled modules have another order each time
	}
	maps.Copy(env, w.base.Env)
	maps.Copy(env, w.runtime.Env)
	maps.Copy(env, w.recipe.Env)
	return list(env)
}

// imageEnvironment is what the base and the runtime need when the program runs.
func (w *work) imageEnvironment() []string {
	env := maps.Clone(w.base.Env)
	if env == nil {
		env = map[string]string{}
	}
	maps.Copy(env, w.runtime.Env)
	return list(env)
}

func list(env map[string]string) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(env)) {
		out = append(out, name+"="+env[name])
	}
	return out
}

// created is the commit's time: the image is the same whenever it is built.
func (w *work) created() time.Time { return w.r.Checkout.Commit.At.UTC().Truncate(time.Second) }
