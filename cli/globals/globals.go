// Package globals names the options that every command takes, in the order in which usage and help print them. The
// parser is built from this table and help is printed from it, so that neither knows an option that the other lacks.
// It says what an option is called and what it may be given, never what it does.
package globals

import "slices"

// Action is what an option does with what follows it on the command line.
type Action int

// The actions. Store alone takes a value.
const (
	Store Action = iota
	StoreTrue
	StoreFalse
	Version
)

// Option is one option that every command takes.
type Option struct {
	Name    string // without its dashes: endpoint-url
	Dest    string // the name of its value once parsed: endpoint_url
	Action  Action
	Type    string   // as help calls it: string, int or boolean
	Choices []string // what alone may be given, where that is limited
	Default string   // what Store has when the option is absent; "" is nothing
}

// Flag returns the option as it is typed.
func (o Option) Flag() string { return "--" + o.Name }

// TakesValue reports whether a word of the command line belongs to the option.
func (o Option) TakesValue() bool { return o.Action == Store }

// Options returns all of them, in order.
func Options() []Option {
	return []Option{
		{Name: "debug", Dest: "debug", Action: StoreTrue, Type: "boolean"},
		{Name: "endpoint-url", Dest: "endpoint_url", Type: "string"},
		{Name: "no-verify-ssl", Dest: "verify_ssl", Action: StoreFalse, Type: "boolean"},
		{Name: "no-paginate", Dest: "paginate", Action: StoreFalse, Type: "boolean"},
		{Name: "output", Dest: "output", Type: "string", Choices: []string{"json", "text", "table", "yaml", "yaml-stream"}},
		{Name: "query", Dest: "query", Type: "string"},
		{Name: "profile", Dest: "profile", Type: "string"},
		{Name: "region", Dest: "region", Type: "string"},
		{Name: "version", Dest: "version", Action: Version, Type: "string"},
		{Name: "color", Dest: "color", Type: "string", Choices: []string{"on", "off", "auto"}, Default: "auto"},
		{Name: "no-sign-request", Dest: "sign_request", Action: StoreFalse, Type: "boolean"},
		{Name: "ca-bundle", Dest: "ca_bundle", Type: "string"},
		{Name: "cli-read-timeout", Dest: "read_timeout", Type: "int"},
		{Name: "cli-connect-timeout", Dest: "connect_timeout", Type: "int"},
		{Name: "cli-binary-format", Dest: "cli_binary_format", Type: "string", Choices: []string{"base64", "raw-in-base64-out"}},
		{Name: "no-cli-pager", Dest: "no_cli_pager", Action: StoreTrue, Type: "boolean"},
		{Name: "cli-auto-prompt", Dest: "cli_auto_prompt", Action: StoreTrue, Type: "boolean"},
		{Name: "no-cli-auto-prompt", Dest: "no_cli_auto_prompt", Action: StoreTrue, Type: "boolean"},
	}
}

// Find returns the option of that name, without dashes.
func Find(name string) (Option, bool) {
	all := Options()
	i := slices.IndexFunc(all, func(o Option) bool { return o.Name == name })
	if i < 0 {
		return Option{}, false
	}
	return all[i], true
}
