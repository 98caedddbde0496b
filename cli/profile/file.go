package profile

import (
	"os/user"
	"regexp"
	"strings"
	"sync"

	"apron/cli/document"
	"apron/cli/shlex"
)

// configFile is the config file with its sections told apart by what they are for.
type configFile struct {
	profiles map[string]*document.Map // [default] and [profile NAME]
	sso      map[string]*document.Map // [sso-session NAME]
	services map[string]*document.Map // [services NAME]
}

func readConfig(path string) (*configFile, error) {
	sections, err := readSections(path, true)
	if err != nil {
		return nil, err
	}
	c := &configFile{map[string]*document.Map{}, map[string]*document.Map{}, map[string]*document.Map{}}
	for _, s := range sections {
		c.file(s)
	}
	return c, nil
}

// file puts a section where it belongs. One whose header is not two words, quotes undone, belongs nowhere.
func (c *configFile) file(s section) {
	if s.name == "default" {
		c.profiles[s.name] = s.values
		return
	}
	for prefix, group := range map[string]map[string]*document.Map{
		"profile": c.profiles, "sso-session": c.sso, "services": c.services,
	} {
		if !strings.HasPrefix(s.name, prefix) {
			continue
		}
		if words, err := shlex.Split(s.name); err == nil && len(words) == 2 {
			group[words[1]] = s.values
		}
	}
}

func byName(sections []section) map[string]*document.Map {
	named := make(map[string]*document.Map, len(sections))
	for _, s := range sections {
		named[s.name] = s.values
	}
	return named
}

// Section returns one section of an INI file with its values as they are written, and an empty map where there is no
// such file or section. Behind the word command, blanks in a header may be more than one: [command  apprunner] is
// "command apprunner". Of two that are then called the same, the later counts.
func Section(path, name string) (*document.Map, error) {
	sections, err := readSections(path, false)
	if err != nil {
		return nil, err
	}
	values := &document.Map{}
	for _, s := range sections {
		if strings.HasPrefix(s.name, "command ") {
			s.name = strings.Join(strings.Fields(s.name), " ")
		}
		if s.name == name {
			values = s.values
		}
	}
	return values, nil
}

// path is the file that the variable names, or else the usual one, with variables and home directories filled in.
func (e Env) path(variable, usual string) string {
	path, ok := e.lookup(variable)
	if !ok {
		path = usual
	}
	return e.Expand(path)
}

var reference = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\$(\w+|\{[^}]*\})`) })

// Expand fills in $NAME, ${NAME}, and a leading ~ or ~user. What is not known stays as it is written.
func (e Env) Expand(path string) string {
	if strings.Contains(path, "$") {
		path = reference().ReplaceAllStringFunc(path, func(ref string) string {
			if value, ok := e.lookup(strings.Trim(ref, "${}")); ok {
				return value
			}
			return ref
		})
	}
	return e.expandUser(path)
}

// expandUser puts a home directory for a leading ~ or ~user.
func (e Env) expandUser(path string) string {
	if !strings.HasPrefix(path, "~") {
		return path
	}
	name, _, _ := strings.Cut(path[1:], "/")
	home, ok := e.home(name)
	if !ok {
		return path
	}
	if path = strings.TrimRight(home, "/") + path[1+len(name):]; path == "" {
		return "/"
	}
	return path
}

// home is the directory of the user; "" is whoever runs the program.
func (e Env) home(name string) (string, bool) {
	if name == "" {
		if home, ok := e.lookup("HOME"); ok {
			return home, true
		}
		u, err := user.Current()
		return directory(u), err == nil
	}
	u, err := user.Lookup(name)
	return directory(u), err == nil
}

func directory(u *user.User) string {
	if u == nil {
		return ""
	}
	return u.HomeDir
}
