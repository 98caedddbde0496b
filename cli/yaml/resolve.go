package yaml

import (
	"regexp"
	"strings"
	"sync"
)

// tag is the type of a value.
type tag string

const (
	tagNull      tag = "tag:yaml.org,2002:null"
	tagBool      tag = "tag:yaml.org,2002:bool"
	tagInt       tag = "tag:yaml.org,2002:int"
	tagFloat     tag = "tag:yaml.org,2002:float"
	tagTimestamp tag = "tag:yaml.org,2002:timestamp"
	tagMerge     tag = "tag:yaml.org,2002:merge"
	tagValue     tag = "tag:yaml.org,2002:value"
	tagString    tag = "tag:yaml.org,2002:str"
	tagBinary    tag = "tag:yaml.org,2002:binary"
	tagMap       tag = "tag:yaml.org,2002:map"
	tagList      tag = "tag:yaml.org,2002:seq"
	tagSet       tag = "tag:yaml.org,2002:set"
	tagOrdered   tag = "tag:yaml.org,2002:omap"
	tagPairs     tag = "tag:yaml.org,2002:pairs"
)

var words = map[string]tag{
	"": tagNull, "~": tagNull, "null": tagNull, "Null": tagNull, "NULL": tagNull, "<<": tagMerge, "=": tagValue,
	"true": tagBool, "True": tagBool, "TRUE": tagBool, "false": tagBool, "False": tagBool, "FALSE": tagBool,
}

// patterns are tried in this order; they are compiled when a text first looks like a number.
var patterns = sync.OnceValue(func() []struct {
	tag tag
	*regexp.Regexp
} {
	return []struct {
		tag tag
		*regexp.Regexp
	}{
		{tagFloat, regexp.MustCompile(`^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+` +
			`|[-+]?\.[0-9_]+(?:[eE][-+][0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$`)},
		{tagInt, regexp.MustCompile(`^(?:[-+]?0b[01_]+|[-+]?0o?[0-7_]+|[-+]?[0-9_]+|[-+]?0x[0-9a-fA-F_]+)$`)},
		{tagTimestamp, regexp.MustCompile(`^(?:[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}` +
			`:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?)$`)},
	}
})

// resolve returns the tag of a plain scalar by the rules of YAML 1.2, with the dates of 1.1, as ruamel.yaml has them.
func resolve(s string) tag {
	if t, ok := words[s]; ok {
		return t
	}
	if !strings.ContainsRune("+-.0123456789", rune(s[0])) {
		return tagString
	}
	for _, p := range patterns() {
		if p.tag == tagInt && s[0] == '.' || p.tag == tagTimestamp && strings.IndexByte("+-.", s[0]) >= 0 {
			continue
		}
		if p.MatchString(s) {
			return p.tag
		}
	}
	return tagString
}
