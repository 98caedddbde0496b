package cli

import "golang.org/x/sys/unix"

// system is the operating system and its release, as in Linux/6.1.0.
func system() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return "Linux"
	}
	return "Linux/" + unix.ByteSliceToString(u.Release[:])
}
