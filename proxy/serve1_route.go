package proxy

import (
	"bytes"

	"apron/proxy/http1"
)

// lookupBytes is lookup without a string of the host made.
func (p *Proxy) lookupBytes(host []byte) *service {
	var lower [256]byte
	name := hostName(host)
	if len(name) > len(lower) {
		return nil
	}
	for i, c := range name {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		lower[i] = c
	}
	return (*p.hosts.Load())[string(lower[:len(name)])]
}

// hostName takes the port off, and the trailing dot. host is one that package http1 has let pass.
func hostName(host []byte) []byte {
	if i := bytes.LastIndexByte(host, ':'); i >= 0 && host[len(host)-1] != ']' {
		if host = host[:i]; len(host) > 1 && host[0] == '[' {
			host = host[1 : len(host)-1]
		}
	}
	return bytes.TrimSuffix(host, []byte("."))
}

func sameFold(a, b []byte) bool { return bytes.EqualFold(a, b) }

// headSize is what is wrong with the beginning of a head that is as large as one may be.
func headSize(b []byte) error {
	if bytes.IndexByte(b, '\n') < 0 {
		return http1.ErrTargetSize
	}
	return http1.ErrHeadSize
}
