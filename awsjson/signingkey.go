package awsjson

import (
	"crypto/hmac"
	"crypto/sha256"
	"sync"
)

// signingKeys are the keys that Signature Version 4 derives from secrets, kept because deriving one takes four of the
// six hashes that verifying a request needs. The zero value is empty; it is safe for concurrent use.
type signingKeys struct {
	mu   sync.RWMutex
	keys map[signingScope][]byte
}

// signingScope is what a signing key is derived from: another secret, day or region is another key.
type signingScope struct{ secret, date, region, service, terminator string }

func scopeOf(a authorization, secret string) signingScope {
	return signingScope{secret, a.date, a.region, a.service, a.terminator}
}

// maxSigningKeys bounds what is kept: as many keys in use in a day and region fit well, and a new day starts anew.
const maxSigningKeys = 1000

// of returns the key for a and secret, and whether it had to be derived.
func (s *signingKeys) of(a authorization, secret string) (key []byte, derived bool) {
	s.mu.RLock()
	key = s.keys[scopeOf(a, secret)]
	s.mu.RUnlock()
	if key != nil {
		return key, false
	}
	return signingKey(a, secret), true
}

// keep remembers a key that a valid signature was made with; strangers could fill the memory with any others.
func (s *signingKeys) keep(a authorization, secret string, key []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys == nil || len(s.keys) >= maxSigningKeys {
		s.keys = map[signingScope][]byte{}
	}
	s.keys[scopeOf(a, secret)] = key
}

// signingKey derives the key.
func signingKey(a authorization, secret string) []byte {
	key := []byte("AWS4" + secret)
	for _, part := range []string{a.date, a.region, a.service, a.terminator} {
		key = hmacSHA256(key, part)
	}
	return key
}

func hmacSHA256(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
