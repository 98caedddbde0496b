package build

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"apron/api"
	"apron/build/recipe"
	"apron/build/runtimes"
	"apron/build/source"
	"apron/logs"
)

const (
	appDir    = "/app"  // where the repository is, in every stage and in the image
	maxConfig = 1 << 20 // bytes of an apprunner.yaml; people write some hundred

	maxCommand = 128<<10 - 1 - len("exec ") // bytes: the kernel takes no longer argument, which ends in a zero
)

// configure reads the recipe from where the service's configuration says.
func (w *work) configure() error {
	if _, err := w.r.Checkout.Sub(w.r.Directory); err != nil {
		if e, ok := errors.AsType[*source.Error](err); ok {
			return refuse(err, "%s", sentence(e.Reason))
		}
		return fmt.Errorf("find the source directory: %w", err)
	}
	rec, err := w.readRecipe()
	if err != nil {
		return err
	}
	if strings.TrimSpace(rec.Run.Command) == "" {
		return refuse(nil, "There is no start command: set run.command in apprunner.yaml, or StartCommand.")
	}
	if len(rec.Run.Secrets) > 0 {
		return refuse(nil, "This version of apron can't resolve secrets yet: take run.secrets out of apprunner.yaml.")
	}
	rt, ok := runtimes.Lookup(rec.Runtime)
	if !ok {
		return refuse(nil, "The runtime %q is unknown; apron runtime ls shows those that there are.", rec.Runtime)
	}
	w.recipe, w.runtime = rec, rt
	for _, notice := range rec.Notices {
		w.say("%s", notice)
	}
	return nil
}

func (w *work) readRecipe() (recipe.Recipe, error) {
	if c := w.r.Code; c != nil && c.ConfigurationSource == api.ConfigurationSourceAPI {
		return fromValues(c.CodeConfigurationValues)
	}
	w.say(logs.ConfigFileRead)
	name := path.Join("/", w.r.Directory, recipe.FileName)
	data, err := readConfig(w.r.Checkout.Dir, name)
	if err != nil {
		return recipe.Recipe{}, err
	}
	rec, err := recipe.Parse(strings.TrimPrefix(name, "/"), data, known()...)
	if err != nil {
		return recipe.Recipe{}, refuse(err, "The configuration file is not valid:\n%v", err)
	}
	w.say(logs.ConfigFileValid)
	return rec, nil
}

// fromValues also refuses what Linux would not start; of a file, Parse does.
func fromValues(v *api.CodeConfigurationValues) (recipe.Recipe, error) {
	rec, err := recipe.FromValues(v, known()...)
	if err != nil {
		return rec, refuse(err, "The service's configuration cannot be built: %v", err)
	}
	for name, line := range map[string]string{"BuildCommand": strings.Join(rec.Build, ""), "StartCommand": rec.Run.Command} {
		if len(line) > maxCommand {
			return rec, refuse(nil, "The service's configuration cannot be built: %s is longer than %d bytes. Move it into a script in the repository.", name, maxCommand)
		}
	}
	return rec, nil
}

// known are the runtimes as recipe wants them.
func known() []recipe.Runtime {
	var list []recipe.Runtime
	for _, rt := range runtimes.All() {
		list = append(list, recipe.Runtime{Name: rt.Name, Original: rt.Original})
	}
	return list
}

// readConfig reads the file with that path in the repository. Links are followed inside the repository alone.
func readConfig(checkout, name string) ([]byte, error) {
	root, err := os.OpenRoot(filepath.Join(checkout, "app"))
	if err != nil {
		return nil, fmt.Errorf("open the source: %w", err)
	}
	defer root.Close()
	rel := strings.TrimPrefix(name, "/")
	f, err := root.Open(rel)
	if err != nil {
		return nil, configMissing(root, name, err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, refuse(err, "%s in the repository is not a file.", rel)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if len(data) > maxConfig {
		return nil, refuse(nil, "%s is larger than %d bytes; a configuration file has some hundred.", rel, maxConfig)
	}
	return data, nil
}

// configMissing says what was looked for, and what is there that may have been meant.
func configMissing(root *os.Root, name string, err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return refuse(err, "%s cannot be read: it must be a file of the repository, or a link to one.", strings.TrimPrefix(name, "/"))
	}
	var names []string
	if dir, err := root.Open(path.Dir("." + name)); err == nil {
		names, _ = dir.Readdirnames(-1) // a name that was meant is a favour, and no more
		dir.Close()
	}
	slices.Sort(names)
	missing := recipe.Missing(path.Dir(name), names)
	return refuse(missing, "%v", missing)
}
