package awsjson

import (
	"fmt"
	"testing"
)

// Nobody without a valid signature makes the server remember anything, and nobody makes it remember without bound.
func TestSigningKeys_AreKeptForValidSignaturesAlone(t *testing.T) {
	var keys signingKeys
	r, body := recorded()
	if _, err := verify(r, []byte(body+" "), recordedAt, testKeys, &keys); err == nil || len(keys.keys) != 0 {
		t.Errorf("kept %d keys after an invalid signature: %v", len(keys.keys), err)
	}
	for range 2 {
		if _, err := verify(r, []byte(body), recordedAt, testKeys, &keys); err != nil || len(keys.keys) != 1 {
			t.Errorf("kept %d keys after a valid signature: %v", len(keys.keys), err)
		}
	}
	for i := range 3 * maxSigningKeys {
		keys.keep(authorization{region: fmt.Sprint(i)}, testSecret, []byte("key"))
		if len(keys.keys) > maxSigningKeys {
			t.Fatalf("kept %d keys", len(keys.keys))
		}
	}
}

func TestSigningKeys_DifferByAllTheyAreDerivedFrom(t *testing.T) {
	var keys signingKeys
	a := authorization{date: "20261122", region: "us-east-1", service: "apprunner", terminator: "aws4_request"}
	keys.keep(a, testSecret, signingKey(a, testSecret))
	others := map[string]func(*authorization) string{
		"secret": func(*authorization) string { return "another" },
		"date":   func(a *authorization) string { a.date = "20261123"; return testSecret },
		"region": func(a *authorization) string { a.region = "eu-west-1"; return testSecret },
	}
	for name, change := range others {
		other := a
		secret := change(&other)
		if key, derived := keys.of(other, secret); !derived || string(key) == string(keys.keys[scopeOf(a, testSecret)]) {
			t.Errorf("another %s finds the same key", name)
		}
	}
}
