package control

import (
	"net/url"
	"path"
	"slices"
	"strings"

	"apron/api"
)

func (c *Control) checkSource(f *faults, caller api.Caller, s *api.SourceConfiguration) {
	switch {
	case s.CodeRepository != nil && s.ImageRepository != nil:
		f.add("SourceConfiguration has both a CodeRepository and an ImageRepository. Give one of them.")
	case s.ImageRepository != nil:
		c.checkImage(f, s)
	case s.CodeRepository != nil:
		c.checkCode(f, caller, s.CodeRepository)
	default:
		f.add("SourceConfiguration has neither an ImageRepository nor a CodeRepository. Give one of them.")
	}
}

func (c *Control) checkImage(f *faults, s *api.SourceConfiguration) {
	image := s.ImageRepository
	if err := c.cfg.CheckImage(image.ImageIdentifier); err != nil {
		f.add("ImageIdentifier %s can't name an image: %v. Write it as repository:tag or host/repository:tag.", shown(image.ImageIdentifier), err)
	}
	if image.ImageRepositoryType == api.ImageRepositoryECRPublic && *s.AutoDeploymentsEnabled {
		f.add("App Runner doesn't support automatic deployments for an image in an ECR Public repository.")
	}
}

// privateECR has the account in an image's name.
var privateECR = compiled(`^([0-9]{12})\.dkr\.ecr[a-z-]*\.[a-z0-9-]+\.amazonaws\.com`)

// autoDeploys is App Runner's default of AutoDeploymentsEnabled: nobody tells it of pushes to ECR Public or to another
// account's repositories.
func autoDeploys(caller api.Caller, s *api.SourceConfiguration) bool {
	image := s.ImageRepository
	if image == nil {
		return true
	}
	account := privateECR().FindStringSubmatch(image.ImageIdentifier)
	return image.ImageRepositoryType == api.ImageRepositoryECR && (account == nil || account[1] == caller.Account)
}

func (c *Control) checkCode(f *faults, caller api.Caller, r *api.CodeRepository) {
	c.checkRepository(f, caller, r.RepositoryUrl)
	if !isBranch(r.SourceCodeVersion.Value) {
		f.add("SourceCodeVersion has the Value %s, which can't be a branch's name. Give the name of a branch.", shown(r.SourceCodeVersion.Value))
	}
	if d := r.SourceDirectory; d != nil && slices.Contains(strings.Split(*d, "/"), "..") {
		f.add("SourceDirectory %s leads out of the repository with `..`. Give a path from the repository's root.", shown(*d))
	}
	code := r.CodeConfiguration
	if code == nil || code.ConfigurationSource != api.ConfigurationSourceAPI {
		return
	}
	if v := code.CodeConfigurationValues; v == nil || v.StartCommand == nil {
		f.add("CodeConfiguration has the ConfigurationSource API and not all that it needs. Give Runtime, StartCommand and, where something is to be built, BuildCommand in CodeConfigurationValues, or ConfigurationSource REPOSITORY and an apprunner.yaml.")
	}
}

// checkRepository never shows a URL that has a password in it.
func (c *Control) checkRepository(f *faults, caller api.Caller, repository string) {
	if scpForm().MatchString(repository) {
		return
	}
	u, err := url.Parse(repository)
	if err != nil || !isRepository(u) {
		f.add("RepositoryUrl isn't one that sources can be fetched from. Write it as https://HOST/PATH, ssh://USER@HOST/PATH, USER@HOST:PATH or file:///PATH.")
		return
	}
	if _, has := u.User.Password(); has || u.Scheme != "ssh" && u.User != nil {
		f.add("RepositoryUrl holds credentials, which everybody would see who describes the service. Take them out and give the ARN of a connection.")
		return
	}
	if err := c.cfg.CheckRepository(caller.Account, u); err != nil {
		f.add("RepositoryUrl %s can't be used: %v.", shown(repository), err)
	}
}

// scpForm is git's own way to write an address for SSH.
var scpForm = compiled(`^[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:[^/\s-][^\s]*$`)

func isRepository(u *url.URL) bool {
	switch u.Scheme {
	case "https", "http", "ssh":
		return u.Hostname() != "" && !strings.HasPrefix(u.Hostname(), "-") && strings.Trim(u.Path, "/") != ""
	case "file":
		return u.Host == "" && path.IsAbs(u.Path)
	}
	return false
}

// noBranch is what git refuses in a branch's name (git check-ref-format).
var noBranch = compiled(`[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|^[-/.]|/\.|[/.]$|\.lock(/|$)|^@$`)

func isBranch(name string) bool { return name != "" && !noBranch().MatchString(name) }
