package profile

import (
	"context"
	"os"
	"strings"

	"apron/cli/document"
)

// fromEC2File takes the keys of the file that EC2's first command line read: a name and a value a line.
func (s *Session) fromEC2File(context.Context) (source, error) {
	path, ok := s.env.lookup("AWS_CREDENTIAL_FILE")
	if !ok {
		return nil, nil
	}
	path = s.env.expandUser(path)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, wrong("The specified config file (%s) could not be found.", path)
	}
	values := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, "="); ok {
			values[strings.TrimFunc(name, document.IsSpace)] = strings.TrimFunc(value, document.IsSpace)
		}
	}
	id, ok := values["AWSAccessKeyId"]
	if !ok {
		return nil, nil
	}
	secret, ok := values["AWSSecretKey"]
	if !ok {
		return nil, wrong("'AWSSecretKey'") // which is all that AWS's CLI says
	}
	return (&Keys{AccessKeyID: id, SecretAccessKey: secret}).source(), nil
}

// fromBoto takes the keys of the files of boto, the library before the AWS CLI's.
func (s *Session) fromBoto(context.Context) (source, error) {
	paths := []string{"/etc/boto.cfg", "~/.boto"}
	if path, ok := s.env.lookup("BOTO_CONFIG"); ok {
		paths = []string{path}
	}
	for _, path := range paths {
		sections, err := readSections(s.env.Expand(path), true)
		if err != nil {
			return nil, err
		}
		values, ok := byName(sections)["Credentials"]
		if !ok {
			continue
		}
		id, ok := has(values, "aws_access_key_id")
		if !ok {
			continue
		}
		secret, ok := has(values, "aws_secret_access_key")
		if !ok {
			return nil, partial("boto-config", "aws_secret_access_key")
		}
		return (&Keys{AccessKeyID: id, SecretAccessKey: secret}).source(), nil
	}
	return nil, nil
}
