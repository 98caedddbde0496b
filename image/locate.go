package image

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

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

var privateECR = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^([0-9]{12})\.dkr\.ecr(-fips)?\.[a-z0-9-]+\.amazonaws\.com(\.cn)?$`)
})

// locate says where ref leads, the first that holds. Repositories are the account's own throughout.
//
//  1. a host of Config.LocalHosts: the embedded registry, and nowhere else
//  2. a repository of the embedded registry that is called as the reference is, host included: "public.ecr.aws/alias/web"
//  3. for names of ECR and ECR Public, and those without a host: a repository of the embedded registry that is called
//     as the path: "alias/web". Names of ECR that name another account of this registry are not looked for here
//  4. the longest prefix in Config.Map, whose target rules 1 to 3 and 5 are then applied to
//  5. the real host; without one, Docker Hub
func (a Account) locate(ctx context.Context, ref string) (place, error) {
	p := split(ref)
	if found, ok, err := a.locateLocal(ctx, p); ok || err != nil {
		return found, err
	}
	if mapped, ok := a.s.mapped(p); ok {
		p = mapped
		if found, ok, err := a.locateLocal(ctx, p); ok || err != nil {
			return found, err
		}
	}
	return a.s.locateRemote(p)
}

func (a Account) locateLocal(ctx context.Context, p parts) (place, bool, error) {
	if p.host != "" && slices.Contains(a.s.cfg.LocalHosts, p.host) {
		return place{local: p.path, id: p.id}, true, checkRepo(p.path)
	}
	names := []string{p.name()}
	byPath, err := a.ownsECR(ctx, p.host)
	if err != nil {
		return place{}, false, err
	}
	if byPath {
		names = append(names, p.path)
	}
	for _, n := range names {
		if checkRepo(n) == nil && a.repo(n).exists() {
			return place{local: n, id: p.id}, true, nil
		}
	}
	return place{}, false, nil
}

// ownsECR says whether the host is one of ECR whose paths can be the account's repositories. A private one names an
// account: another of this registry has repositories of its own, and what no account here is called may be any's, so
// that scripts written for an account of AWS go on working.
func (a Account) ownsECR(ctx context.Context, host string) (bool, error) {
	private := privateECR().FindStringSubmatch(host)
	if private == nil {
		return host == "public.ecr.aws", nil
	}
	named := private[1]
	if a.s.Account(named) == a || a.s.cfg.IsAccount == nil {
		return true, nil
	}
	other, err := a.s.cfg.IsAccount(ctx, named)
	if err != nil {
		return false, fmt.Errorf("find account %s: %w", named, err)
	}
	return !other, nil
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
