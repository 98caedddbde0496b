package source

import (
	"bytes"
	"compress/zlib"
	"crypto/sha1"
	"encoding/binary"
	"io"
	"strings"
	"testing"
)

// packOf makes a pack of whatever entries are given: a header byte string and what is to be compressed.
func packOf(count uint32, entries ...[2]string) []byte {
	var b bytes.Buffer
	b.WriteString("PACK\x00\x00\x00\x02")
	_ = binary.Write(&b, binary.BigEndian, count)
	for _, e := range entries {
		b.WriteString(e[0])
		z := zlib.NewWriter(&b)
		_, _ = io.WriteString(z, e[1])
		_ = z.Close()
	}
	sum := sha1.Sum(b.Bytes())
	return append(b.Bytes(), sum[:]...)
}

// header is an object's, of that kind and size.
func header(kind byte, size uint64) string {
	b := []byte{kind<<4 | byte(size&15)}
	for size >>= 4; size > 0; size >>= 7 {
		b[len(b)-1] |= 0x80
		b = append(b, byte(size&0x7f))
	}
	return string(b)
}

func TestScanPack_StopsWhatIsHostile(t *testing.T) {
	limits := Limits{}.orDefaults().pack(false)
	for name, c := range map[string]struct {
		pack []byte
		want string
	}{
		"four billion objects":     {packOf(1<<32 - 1), "4294967295 objects"},
		"a blob of a terabyte":     {packOf(1, [2]string{header(3, 1<<40), "x"}), "1024 GiB"},
		"a size without end":       {packOf(1, [2]string{"\xb0" + strings.Repeat("\xff", 12), "x"}), "overflow"},
		"more than is said":        {packOf(1, [2]string{header(3, 1), strings.Repeat("x", 100)}), "says it has"},
		"less than is said":        {packOf(1, [2]string{header(3, 100), "x"}), "says it has"},
		"no kind":                  {packOf(1, [2]string{header(5, 1), "x"}), "kind 5"},
		"a base before the pack":   {packOf(1, [2]string{header(6, 1) + "\xff\x7f", "x"}), "difference to an object"},
		"a base without end":       {packOf(1, [2]string{header(6, 1) + strings.Repeat("\xff", 12), "x"}), "offset without end"},
		"a difference to terabyte": {packOf(1, [2]string{header(7, 12) + strings.Repeat("b", 20), "\x01" + "\xff\xff\xff\xff\xff\xff\x7f" + "\x00\x00\x00\x00"}), "difference has more"},
		"no pack":                  {[]byte("HTTP/1.1 200"), "begins with"},
		"a wrong checksum":         {append(packOf(0)[:12], make([]byte, 20)...), "checksum"},
		"the middle of an object":  {packOf(2, [2]string{header(3, 1), "x"})[:20], "unexpected EOF"},
		"fewer than it says":       {packOf(9, [2]string{header(3, 1), "x"}), ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := scanPack(bytes.NewReader(c.pack), io.Discard, limits)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want something of %q", err, c.want)
			}
		})
	}
}

// zeros is a pack of blobs of zeros that is made while it is read: a thousand times smaller than what is in it.
func zeros(count int, each int64) io.Reader {
	r, w := io.Pipe()
	go func() {
		var head bytes.Buffer
		head.WriteString("PACK\x00\x00\x00\x02")
		_ = binary.Write(&head, binary.BigEndian, uint32(count))
		_, err := w.Write(head.Bytes())
		for i := 0; i < count && err == nil; i++ {
			_, err = io.WriteString(w, header(3, uint64(each)))
			z := zlib.NewWriter(w)
			if err == nil {
				_, err = io.CopyN(z, zeroReader{}, each)
			}
			if err == nil {
				err = z.Close()
			}
		}
		w.CloseWithError(err)
	}()
	return r
}

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestScanPack_StopsAZipBombByWhatItInflatesTo(t *testing.T) {
	limits := Limits{Bytes: 64 << 20}.orDefaults().pack(false)
	var kept bytes.Buffer
	_, _, err := scanPack(zeros(1000, 32<<20), &kept, limits)
	refused(t, err, "too large", "its files come to more", "128 MiB")
	if kept.Len() > 1<<20 {
		t.Errorf("%d bytes were kept", kept.Len())
	}
}
