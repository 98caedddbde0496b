package api

import (
	"crypto/rand"
	"encoding/hex"
)

// NewID returns 32 lower-case hex digits from the system's random source: the form of the ids of services,
// configurations, instances and operations.
func NewID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails: it ends the process instead
	return hex.EncodeToString(b[:])
}
