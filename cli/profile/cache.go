package profile

import (
	"crypto/sha1"
	"encoding/hex"
	"os"
	"path/filepath"

	"apron/cli/document"
)

// cached gives the keys that an earlier command was lent, as long as they last; else it fetches some and keeps them. The
// files are those of the AWS CLI, under the same names, so that whoever signed on there need not do so again here.
func (s *Session) cached(key string, fetch func() (*document.Map, error)) (*lease, error) {
	path := s.env.Expand(filepath.Join("~/.aws/cli/cache", digest(key)+".json"))
	if kept, ok := readJSON(path); ok {
		if l, err := fromAnswer(kept); err == nil && !l.endsWithin(replaceBefore) {
			return l, nil
		}
	}
	answer, err := fetch()
	if err != nil {
		return nil, err
	}
	if err := writeJSON(path, answer); err != nil {
		return nil, err
	}
	return fromAnswer(answer)
}

// fromAnswer takes the keys out of a service's answer.
func fromAnswer(answer *document.Map) (*lease, error) {
	value, _ := answer.Get("Credentials")
	credentials, ok := value.(*document.Map)
	if !ok {
		return nil, wrong("'Credentials'")
	}
	return leased(credentials, "AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration")
}

// answerOf is an answer with those keys, in the form in which it is kept.
func answerOf(l *lease, end string) *document.Map {
	return document.NewMap("Credentials", document.NewMap("AccessKeyId", l.AccessKeyID,
		"SecretAccessKey", l.SecretAccessKey, "SessionToken", l.SessionToken, "Expiration", end))
}

// digest is the name of the cache's file for that key. It hides nothing, and only has to be the same as elsewhere.
func digest(key string) string {
	sum := sha1.Sum([]byte(key))
	return hex.EncodeToString(sum[:])
}

func readJSON(path string) (*document.Map, bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, false
	}
	value, err := document.Parse(string(text))
	if err != nil {
		return nil, false
	}
	object, ok := value.(*document.Map)
	return object, ok
}

// writeJSON puts a file in place as a whole, readable by its owner alone.
func writeJSON(path string, value *document.Map) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".new-*") // which makes it 0600
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	if _, err := file.WriteString(document.JSON(value, 0, true)); err != nil {
		_ = file.Close()
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
