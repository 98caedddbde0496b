package param_test

import (
	"testing"

	"apron/cli/document"
	"apron/cli/param"
)

// FuzzUnpack has nothing of what an option may say, nor of what an answer may hold, end in a panic.
func FuzzUnpack(f *testing.F) {
	for _, v := range values {
		f.Add(v)
	}
	for _, body := range bodies {
		f.Add(body)
	}
	all := everything(f)
	f.Fuzz(func(t *testing.T, text string) {
		for _, form := range []param.Timestamps{param.ISO8601, param.Wire} {
			param.Response([]byte(text), all.Shape, form)
		}
		v, err := param.Unpack("x", all.Shape, text)
		m, ok := v.(*document.Map)
		if err != nil || !ok {
			return
		}
		if _, err := param.Request(m, all.Shape); err != nil && param.Validate(m, all.Shape) == nil {
			t.Fatalf("what was valid is not sent: %v", err)
		}
	})
}
