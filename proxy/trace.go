package proxy

// validTraceparent reports whether s is a traceparent header of W3C's Trace Context that a trace can go on from:
// version, trace id, parent id and flags in lower-case hexadecimal, no version ff, no id that is all zeros. A version of
// the future may have more behind.
func validTraceparent(s string) bool {
	if len(s) < 55 || s[2] != '-' || s[35] != '-' || s[52] != '-' {
		return false
	}
	version := s[:2]
	more := version != "00" && len(s) > 55 && s[55] == '-'
	return (len(s) == 55 || more) && version != "ff" && isHex(version) &&
		isID(s[3:35]) && isID(s[36:52]) && isHex(s[53:55])
}

func isID(s string) bool {
	for i := range len(s) {
		if s[i] != '0' {
			return isHex(s)
		}
	}
	return false
}

func isHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
