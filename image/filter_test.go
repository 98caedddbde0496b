package image

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

// A layer's files are few and small here, and the directories on the way to them very many.
func TestFilter_LimitsWhatNamesTake(t *testing.T) {
	var layer bytes.Buffer
	tw := tar.NewWriter(&layer)
	for n := range maxNames / (2000 * 2000) {
		if err := tw.WriteHeader(&tar.Header{Name: fmt.Sprint(n) + strings.Repeat("/a", 2000), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
	}
	f := &filter{budget: &budget{limit: 1 << 30}, raw: bytes.NewReader(layer.Bytes())}
	if err := f.copyTo(io.Discard); err != nil || f.entries != maxNames/(2000*2000)*2001 {
		t.Errorf("%d entries, directories included, %v", f.entries, err)
	}
	if err := tw.WriteHeader(&tar.Header{Name: "more" + strings.Repeat("/a", 2000), Typeflag: tar.TypeReg}); err != nil {
		t.Fatal(err)
	}
	f = &filter{budget: &budget{limit: 1 << 30}, raw: bytes.NewReader(layer.Bytes())}
	err := f.copyTo(io.Discard)
	if e, ok := errors.AsType[*TooLargeError](err); !ok || e.What != "length of the names in a layer" {
		t.Errorf("one more: %v", err)
	}
}
