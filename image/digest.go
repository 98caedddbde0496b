package image

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// digest is a checked "sha256:<64 lower-case hex digits>", so that its hex may be used as a file name.
type digest string

const sha256Prefix = "sha256:"

func parseDigest(s string) (digest, error) {
	h, ok := strings.CutPrefix(s, sha256Prefix)
	if !ok || len(h) != 2*sha256.Size || strings.Trim(h, "0123456789abcdef") != "" {
		return "", fmt.Errorf("%.80q is no sha256 digest", s)
	}
	return digest(s), nil
}

func digestOf(data []byte) digest {
	sum := sha256.Sum256(data)
	return sumDigest(sum[:])
}

func sumDigest(sum []byte) digest { return digest(sha256Prefix + hex.EncodeToString(sum)) }

func (d digest) hex() string    { return string(d[len(sha256Prefix):]) }
func (d digest) String() string { return string(d) }
