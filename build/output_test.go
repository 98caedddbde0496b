package build

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// printed is what of the text is shown, written in pieces of size bytes.
func printed(text string, size int, env map[string]string) []string {
	var lines []string
	o := &output{show: func(s string) { lines = append(lines, s) }, hide: hider(env), mark: "m ", step: func(n int) {
		lines = append(lines, fmt.Sprintf("step %d", n))
	}}
	for chunk := range slices.Chunk([]byte(text), size) {
		_, _ = o.Write(chunk)
	}
	o.flush()
	return lines
}

func TestOutput_ShowsLinesAsATerminalWould(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"lines":                            {"a\nb\n", []string{"[Build] a", "[Build] b"}},
		"an empty line":                    {"a\n\nb\n", []string{"[Build] a", "[Build] ", "[Build] b"}},
		"no end of the last line":          {"a\nb", []string{"[Build] a", "[Build] b"}},
		"Windows line ends":                {"a\r\nb\r\n", []string{"[Build] a", "[Build] b"}},
		"a progress bar":                   {"10%\r50%\r100%\ndone\n", []string{"[Build] 100%", "[Build] done"}},
		"a progress bar that ends in CR":   {"10%\r100%\r\n", []string{"[Build] 100%"}},
		"colours":                          {"\x1b[1;31mred\x1b[0m\n", []string{"[Build] red"}},
		"a window title":                   {"\x1b]0;title\x07a\n", []string{"[Build] a"}},
		"cursor moves":                     {"\x1b[2K\x1b[1Ga\x1b[?25l\n", []string{"[Build] a"}},
		"tabs stay":                        {"a\tb\n", []string{"[Build] a\tb"}},
		"letters of the world":             {"größer 漢字 🎉\n", []string{"[Build] größer 漢字 🎉"}},
		"a lone control character":         {"a\x07b\n", []string{"[Build] ab"}},
		"what is no UTF-8":                 {"caf\xe9 au lait\n", []string{"[Build] caf\uFFFD au lait"}},
		"binary, once":                     {"\x00\x01\x02\x03\x04\x05\n\xff\xfe\x00\x00\x00\x00\nend\n", []string{"[Build] (binary output)", "[Build] end"}},
		"a mark":                           {"a\n\x1em 0\nb\n", []string{"[Build] a", "step 0", "[Build] b"}},
		"a mark behind an unfinished line": {"a\x1em 0\nb\n", []string{"[Build] a", "step 0", "[Build] b"}},
		"a mark behind a progress bar":     {"5%\r\x1em 0\nb\n", []string{"[Build] 5%", "step 0", "[Build] b"}},
		"marks out of their order":         {"\x1em 0\n\x1em 0\n\x1em -1\n\x1em 7\n\x1em 1\n", []string{"step 0", "step 1"}},
		"somebody else's mark":             {"\x1ex 1\n", []string{"[Build] x 1"}},
		"a secret":                         {"token=s3cr3t-value.\n", []string{"[Build] token=***."}},
	} {
		for _, size := range []int{1, 3, 1 << 20} {
			t.Run(fmt.Sprintf("%s, in pieces of %d", name, size), func(t *testing.T) {
				if got := printed(c.text, size, map[string]string{"NPM_TOKEN": "s3cr3t-value"}); !slices.Equal(got, c.want) {
					t.Errorf("shown: %q, want %q", got, c.want)
				}
			})
		}
	}
}

func TestOutput_CutsLongLines(t *testing.T) {
	got := printed(strings.Repeat("é", 50_000)+"\nnext\n", 1000, nil)
	if len(got) != 2 || len(got[0]) > maxLine+60 || !strings.HasSuffix(got[0], "more bytes)") || got[1] != "[Build] next" {
		t.Errorf("shown: %d lines, the first of %d bytes ending in %q", len(got), len(got[0]), got[0][max(0, len(got[0])-40):])
	}
}

func TestOutput_HidesASecretThatTheCutOfALineMeets(t *testing.T) {
	secret := strings.Repeat("s3cr3t", 20)
	for before := maxLine - 130; before < maxLine+10; before++ {
		got := printed(strings.Repeat("x", before)+secret+strings.Repeat("y", 5000)+"\n", 4096, map[string]string{"KEY": secret})
		if strings.Contains(got[0], "s3cr3t") {
			t.Fatalf("with %d bytes before it, part of the secret is shown", before)
		}
	}
}

func TestOutput_ShowsBeginningAndEndOfVeryMuch(t *testing.T) {
	var text strings.Builder
	for i := range maxLines + 1000 {
		fmt.Fprintf(&text, "line %d\n", i)
	}
	got := printed(text.String(), 4096, nil)
	if len(got) != maxLines+1+lastLines {
		t.Fatalf("%d lines are shown, want %d, a sentence and the last %d", len(got), maxLines, lastLines)
	}
	if want := fmt.Sprintf("[Build] line %d", maxLines+999); got[len(got)-1] != want {
		t.Errorf("the last line is %q, want %q", got[len(got)-1], want)
	}
	if want := fmt.Sprintf("%d lines are left out", 1000-lastLines); !strings.Contains(got[maxLines], want) {
		t.Errorf("the sentence is %q, want %q in it", got[maxLines], want)
	}
}

func TestOutput_KeepsTheLastLinesOfTheCommandAlone(t *testing.T) {
	o := &output{show: func(string) {}, hide: hider(nil), mark: "m ", step: func(int) {}}
	fmt.Fprint(o, "of the first\n\x1em 0\nof the second\n")
	o.flush()
	if want := []string{"of the second"}; !slices.Equal(o.last, want) {
		t.Errorf("last lines %q, want %q", o.last, want)
	}
}

func TestHider(t *testing.T) {
	env := map[string]string{
		"NPM_TOKEN": "tok-123456", "DB_PASSWORD": "hunter22", "AUTHOR": "Ada Lovelace", "MODE": "production",
		"DATABASE_URL": "postgres://web:pa55word@db/web", "DEPLOY_KEY": "-----BEGIN-----\nabcdefgh\n-----END-----",
		"CACHE_KEY": "v1", "API_TOKEN_LONG": "tok-123456-and-more",
	}
	for name, c := range map[string]struct{ text, want string }{
		"a token":                         {"//registry/:_authToken=tok-123456", "//registry/:_authToken=***"},
		"the longer of two":               {"tok-123456-and-more", "***"},
		"a password":                      {"-phunter22", "-p***"},
		"the password of a URL":           {"connect postgres://web:pa55word@db/web", "connect postgres://web:***@db/web"},
		"a line of a key":                 {"abcdefgh", "***"},
		"what only looks like a name":     {"by Ada Lovelace in production", "by Ada Lovelace in production"},
		"too short to be kept from a log": {"v1", "v1"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := hider(env).Replace(c.text); got != c.want {
				t.Errorf("%q becomes %q, want %q", c.text, got, c.want)
			}
		})
	}
}

func FuzzOutput(f *testing.F) {
	f.Add([]byte("a\r\nb\x1em 0\n\x1b[31m\xff"), 3)
	f.Fuzz(func(t *testing.T, data []byte, size int) {
		size = 1 + (size%64+64)%64
		whole, pieces := printed(string(data), len(data)+1, nil), printed(string(data), size, nil)
		if !slices.Equal(whole, pieces) {
			t.Fatalf("written at once: %q; in pieces of %d: %q", whole, size, pieces)
		}
		for _, line := range whole {
			if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
				t.Fatalf("a control character is shown: %q", line)
			}
		}
	})
}
