package param

import (
	"errors"
	"strings"
	"unicode/utf8"

	"apron/cli/document"
	"apron/cli/yaml"
)

// MergeInput adds to the parameters what the texts of --cli-input-json and --cli-input-yaml say, nil for the one that is
// not given. A text may name a file. Members of the input that the parameters have already are left as they are.
func MergeInput(params *document.Map, jsonText, yamlText *string) error {
	switch {
	case jsonText == nil && yamlText == nil:
		return nil
	case jsonText != nil && yamlText != nil:
		return &Error{"Only one --cli-input- parameter may be specified."}
	case jsonText != nil:
		return merge(params, "cli-input-json", *jsonText, document.Parse, "Invalid JSON received.")
	}
	return merge(params, "cli-input-yaml", *yamlText, yaml.Parse, "Invalid YAML received.")
}

// merge reads the text of an option. That errors about its syntax name the option without its dashes is AWS's way.
func merge(params *document.Map, option, text string, parse func(string) (any, error), malformed string) error {
	loaded, err := Load(option, text)
	if err != nil {
		return err
	}
	content, ok := decode(loaded)
	v, err := parse(content)
	if _, deep := errors.AsType[*document.DepthError](err); deep {
		return err
	}
	if _, impossible := errors.AsType[yaml.ValueError](err); impossible {
		return err
	}
	if err != nil || !ok {
		return wrong(option, "%s", malformed)
	}
	m, ok := v.(*document.Map)
	if !ok {
		return wrong("--"+option, "Invalid type: expecting map, received <class '%s'>", document.Type(v))
	}
	for key, v := range m.All() {
		if _, ok := params.Get(key); !ok {
			params.SetKey(m.Key(key), v)
		}
	}
	return nil
}

// decode makes text of a file that was read as binary; ok is false where it is none.
func decode(loaded any) (text string, ok bool) {
	if b, isBytes := loaded.(document.Bytes); isBytes {
		return strings.TrimPrefix(string(b), "\ufeff"), utf8.Valid(b)
	}
	return loaded.(string), true
}
