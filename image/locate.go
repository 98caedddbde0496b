package image

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"cuelabs.dev/go/oci/ociregistry/ociref"
	"github.com/google/go-containerregistry/pkg/name"
)

// place is where a reference leads: to a repository of the embedded registry, or to a registry out there.
type place struct {
	local  string         // repository of the embedded registry; empty if remote
	id     string         // tag or digest
	remote name.Reference // set if local is empty
}

// parts of a reference as written; id keeps its separator out. A reference with tag and digest means the digest.
type parts struct{ host, path, id string }

func (p parts) name() string {
	if p.host == "" {
		return p.path
	}
	return p.host + "/" + p.path
}

func split(ref string) parts {
	var p parts
	name, dig, hasDigest := strings.Cut(ref, "@")
	if i := strings.LastIndex(name, ":"); i > strings.LastIndex(name, "/") {
		name, p.id = name[:i], name[i+1:]
	}
	if hasDigest {
		p.id = dig
	}
	if p.id == "" {
		p.id = "latest"
	}
	first, rest, ok := strings.Cut(name, "/")
	if ok && (strings.ContainsAny(first, ".:") || first == "localhost") {
		p.host, p.path = first, rest
	} else {
		p.path = name
	}
	return p
}

// maxRemoteRepo is the longest name of a repository that registries agree on.
const maxRemoteRepo = 255

// CheckName says what is wrong with a reference that can never lead to an image, wherever it is pushed to: a malformed host,
// repository, tag or digest. Nil if it may lead to one; no registry is asked.
func CheckName(ref string) error {
	p := split(ref)
	if p.host != "" && !ociref.IsValidHost(p.host) {
		return fmt.Errorf("%.80q is no host name", p.host)
	}
	if len(p.path) > maxRemoteRepo || !ociref.IsValidRepository(p.path) {
		return fmt.Errorf("%.80q is no repository: those have lower-case letters, digits, '.', '_', '-' and '/', %d at most", p.path, maxRemoteRepo)
	}
	if strings.Contains(ref, "@") {
		_, err := parseDigest(p.id)
		return err
	}
	if !ociref.IsValidTag(p.id) {
		return fmt.Errorf("%.80q is no tag: those have letters, digits, '_', '.' and '-', 128 at most", p.id)
	}
	return nil
}

func (p parts) String() string {
	if strings.HasPrefix(p.id, sha256Prefix) {
		return p.name() + "@" + p.id
	}
	return p.name() + ":" + p.id
}

var privateECR = regexp.MustCompile(`^[0-9]{12}\.dkr\.ecr(-fips)?\.[a-z0-9-]+\.amazonaws\.com(\.cn)?$`)

// locate says where ref leads, the first that holds:
//
//  1. a host of Config.LocalHosts: the embedded registry, and nowhere else
//  2. a repository of the embedded registry that is called as the reference is, host included: "public.ecr.aws/alias/web"
//  3. for names of ECR and ECR Public, and those without a host: a repository of the embedded registry that is called
//     as the path: "alias/web"
//  4. the longest prefix in Config.Map, whose target rules 1 to 3 and 5 are then applied to
//  5. the real host; without one, Docker Hub
func (s *Store) locate(ref string) (place, error) {
	p := split(ref)
	if found, ok, err := s.locateLocal(p); ok || err != nil {
		return found, err
	}
	if mapped, ok := s.mapped(p); ok {
		p = mapped
		if found, ok, err := s.locateLocal(p); ok || err != nil {
			return found, err
		}
	}
	return s.locateRemote(p)
}

func (s *Store) locateLocal(p parts) (place, bool, error) {
	if p.host != "" && slices.Contains(s.cfg.LocalHosts, p.host) {
		return place{local: p.path, id: p.id}, true, checkRepo(p.path)
	}
	names := []string{p.name()}
	if p.host == "public.ecr.aws" || privateECR.MatchString(p.host) {
		names = append(names, p.path)
	}
	for _, n := range names {
		if checkRepo(n) == nil && s.repo(n).exists() {
			return place{local: n, id: p.id}, true, nil
		}
	}
	return place{}, false, nil
}

func (s *Store) mapped(p parts) (parts, bool) {
	full := p.name()
	if p.host == "" || p.host == "docker.io" {
		full = "docker.io/" + hubPath(p.path)
	}
	best := ""
	for prefix := range s.cfg.Map {
		if len(prefix) > len(best) && (full == prefix || strings.HasPrefix(full, strings.TrimSuffix(prefix, "/")+"/")) {
			best = prefix
		}
	}
	if best == "" {
		return p, false
	}
	rest := strings.TrimPrefix(strings.TrimPrefix(full, strings.TrimSuffix(best, "/")), "/")
	to := strings.TrimSuffix(s.cfg.Map[best]+"/"+rest, "/")
	m := split(to)
	m.id = p.id
	return m, true
}

// hubPath is where Docker Hub keeps the official images.
func hubPath(path string) string {
	if strings.Contains(path, "/") {
		return path
	}
	return "library/" + path
}

func (s *Store) locateRemote(p parts) (place, error) {
	var opts []name.Option
	if slices.Contains(s.cfg.PlainHTTP, p.host) {
		opts = append(opts, name.Insecure)
	}
	ref, err := name.ParseReference(p.String(), opts...)
	if err != nil {
		return place{}, &InvalidError{Cause: fmt.Errorf("the name is malformed: %w", hide(err))}
	}
	return place{id: p.id, remote: ref}, nil
}
