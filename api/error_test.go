package api

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestErrorsCarryKindMessageAndCause(t *testing.T) {
	cause := errors.New("disk full")
	for kind, e := range map[Kind]*Error{
		KindInternal:       Internal("no %d", 1),
		KindInvalidRequest: InvalidRequest("no %d", 1),
		KindInvalidState:   InvalidState("no %d", 1),
		KindNotFound:       NotFound("no %d", 1),
		KindQuotaExceeded:  QuotaExceeded("no %d", 1),
	} {
		with := e.WithCause(cause)
		if with.Kind != kind || with.Error() != "no 1" || !errors.Is(with, cause) || errors.Is(e, cause) {
			t.Errorf("kind %d: got %+v of %+v", kind, with, e)
		}
	}
}

func TestErrorMessagesKeepTheModelsLimit(t *testing.T) {
	fits := strings.Repeat("ü", maxMessage)
	if got := NotFound("%s", fits).Message; got != fits {
		t.Errorf("a message of %d characters was changed", maxMessage)
	}
	cut := NotFound("%sx", fits).Message
	if utf8.RuneCountInString(cut) != maxMessage || !strings.HasSuffix(cut, "ü…") {
		t.Errorf("cut to %d characters, ending in %s", utf8.RuneCountInString(cut), cut[len(cut)-5:])
	}
}
