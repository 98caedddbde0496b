package runtimes

import (
	"slices"
	"strings"
	"testing"
)

func TestVersion_IsFoundInWhatCommandsPrint(t *testing.T) {
	for _, c := range []struct{ runtime, printed, want string }{
		{"python311", "Python 3.11.2\n", "3.11.2"},
		{"nodejs18", "v18.20.4\n", "18.20.4"},
		{"go1", "go version go1.19.8 linux/amd64\n", "1.19.8"},
		{"go126", "go version go1.26 linux/amd64\n", "1.26"},
		{"corretto8", "openjdk version \"1.8.0_472\"\nOpenJDK Runtime Environment Corretto-8.472.08.1 (build 1.8.0_472-b08)\n", "8.472.08.1"},
		{"corretto8", "openjdk version \"1.8.0_472\"\nOpenJDK Runtime Environment (build 1.8.0_472-b08)\n", "8.0.472"},
		{"corretto11", "openjdk version \"11.0.28\" 2025-07-15 LTS\nOpenJDK Runtime Environment Corretto-11.0.28.6.1 (build 11.0.28+6-LTS)\n", "11.0.28.6.1"},
		{"corretto17", "openjdk version \"17.0.16\" 2025-07-15\nOpenJDK Runtime Environment (build 17.0.16+8-Debian-1deb12u1)\n", "17.0.16"},
		{"dotnet6", "Microsoft.AspNetCore.App 6.0.36 [/usr/share/dotnet/shared/Microsoft.AspNetCore.App]\nMicrosoft.NETCore.App 6.0.36 [/usr/share/dotnet/shared/Microsoft.NETCore.App]\n", "6.0.36"},
		{"php81", "PHP 8.1.33 (cli) (built: Jul  3 2025 15:42:25) (NTS)\n", "8.1.33"},
		{"ruby31", "ruby 3.1.7p261 (2025-03-26 revision 0a3704f218) [x86_64-linux]\n", "3.1.7"},
	} {
		rt, ok := Lookup(c.runtime)
		got, found := rt.version(c.printed)
		if !ok || !found || got != c.want {
			t.Errorf("%s: %q has version %q, want %q", c.runtime, c.printed, got, c.want)
		}
		if !fits(rt.Line, got) {
			t.Errorf("%s: %s is not of line %s", c.runtime, got, rt.Line)
		}
	}
}

func TestLock_FitsWholePartsOfAVersion(t *testing.T) {
	for _, c := range []struct {
		lock, version string
		want          bool
	}{
		{"", "3.11.2", true}, {"3", "3.11.2", true}, {"3.11", "3.11.2", true}, {"3.11.2", "3.11.2", true},
		{"3.1", "3.11.2", false}, {"3.11.20", "3.11.2", false}, {"3.11.2", "3.11.20", false}, {"3.12", "3.11.2", false}, {"2", "3.11.2", false},
	} {
		if got := fits(c.lock, c.version); got != c.want {
			t.Errorf("lock %q on %s: %v", c.lock, c.version, got)
		}
	}
}

func TestNewer_OrdersByNumbers(t *testing.T) {
	got := []string{"3.11.10", "3.9.1", "3.11.9", "3.11"}
	slices.SortFunc(got, newer)
	if want := []string{"3.9.1", "3.11", "3.11.9", "3.11.10"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestLock_ThatNoBaseCanFitIsRefusedWithTheRuntimeThatHasIt(t *testing.T) {
	for _, c := range []struct {
		runtime, lock string
		want          []string // parts of the refusal; none: it is accepted
	}{
		{"python311", "", nil}, {"python311", "3", nil}, {"python311", "3.11", nil}, {"python311", "3.11.4", nil}, {"python3", "3.7.16", nil},
		{"python311", "3.12.1", []string{"runtime version 3.12.1 is not supported by python311", "Python 3.11", "python312"}},
		{"nodejs22", "19", []string{"runtime version 19 is not supported by nodejs22", "apron runtime ls"}},
		{"python311", "latest", []string{`"latest" is no version`, "major.minor"}},
		{"python311", "3.x", []string{`"3.x" is no version`}},
	} {
		rt, _ := Lookup(c.runtime)
		err := rt.checkLock(c.lock)
		if (err == nil) != (c.want == nil) {
			t.Errorf("%s locked to %q: %v", c.runtime, c.lock, err)
		}
		for _, part := range c.want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s locked to %q: %v; want %q in it", c.runtime, c.lock, err, part)
			}
		}
	}
}

func TestReference_SaysTheVersionThatIsLocked(t *testing.T) {
	for _, c := range []struct{ runtime, lock, want string }{
		{"python311", "", "3.11"}, {"python311", "3", "3.11"}, {"python311", "3.11", "3.11"}, {"python311", "3.11.4", "3.11.4"},
		{"python3", "", "3.8"}, {"python3", "3.7", "3.7"}, {"go1", "1", "1.18"}, {"go1", "1.18.10", "1.18.10"},
	} {
		rt, _ := Lookup(c.runtime)
		if got := rt.reference("r.example/x:{version}-y", c.lock); got != "r.example/x:"+c.want+"-y" {
			t.Errorf("%s locked to %q: %s", c.runtime, c.lock, got)
		}
	}
}
