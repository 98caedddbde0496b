package main

// rule is how a pattern of the model is checked and how its failure reads.
type rule struct {
	re2  string // empty: nothing to check
	text string // empty: AWS's wording with the model's pattern
}

// wider are the shapes for which apron accepts more than AWS.
var wider = map[string]rule{
	// AWS takes only ECR's names. apron pulls from any registry, so any OCI reference will do: domain (name, IPv4 or
	// bracketed IPv6) and port, path, tag, digest, as the distribution specification spells them.
	"ImageIdentifier": {
		re2: `(?:` + ociDomain + `/)?` + ociPathPart + `(?:/` + ociPathPart + `)*(?::\w[\w.-]{0,127})?(?:@` + ociDigest + `)?`,
		text: "Member must be an image reference of the form [host[:port]/]repository[:tag][@sha256:digest], " +
			"in lower case up to the tag",
	},
}

const (
	ociDomainLabel = `(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])`
	ociDomain      = `(?:` + ociDomainLabel + `(?:\.` + ociDomainLabel + `)*|\[[a-fA-F0-9:]+\])(?::[0-9]{1,5})?`
	ociPathPart    = `[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*`
	ociDigest      = `[a-z0-9]+(?:[+._-][a-z0-9]+)*:[0-9a-zA-Z=_-]{32,}`
)

// translated are the model's patterns that RE2 reads differently or not at all.
var translated = map[string]string{
	// Java's dot stops at a line end. Values with several lines, such as a PEM key in an environment variable, are
	// useful and harm no client, so this pattern checks nothing.
	`.*`: ``,
	// RE2 has no look-ahead: anything but "aws:" at the start, written out.
	`^(?!aws:).+`: `(?s)[^a].*|a(?:[^w].*)?|aw(?:[^s].*)?|aws(?:[^:].*)?`,
	// The model's dots are meant as dots; what reads the value later counts on it.
	`256|512|1024|2048|4096|(0.25|0.5|1|2|4) vCPU`: `256|512|1024|2048|4096|(0\.25|0\.5|1|2|4) vCPU`,
	`512|1024|2048|3072|4096|6144|8192|10240|12288|(0.5|1|2|3|4|6|8|10|12) GB`: `512|1024|2048|3072|4096|6144|8192|` +
		`10240|12288|(0\.5|1|2|3|4|6|8|10|12) GB`,
	// RE2 repeats 1000 times at most; the shape's own limit of 1011 characters does the rest.
	`arn:aws(-[\w]+)*:[a-z0-9-\\.]{0,63}:[a-z0-9-\\.]{0,63}:[0-9]{12}:(\w|\/|-){1,1011}`: `arn:aws(-\w+)*:` +
		`[a-z0-9-\\.]{0,63}:[a-z0-9-\\.]{0,63}:[0-9]{12}:[\w/-]+`,
}

func patternRule(name, pattern string) rule {
	if r, ok := wider[name]; ok {
		return r
	}
	re2, ok := translated[pattern]
	if !ok {
		re2 = pattern
	}
	return rule{re2: re2, text: "Member must satisfy regular expression pattern: " + pattern}
}
