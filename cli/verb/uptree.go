package verb

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"path"
	"strings"
	"time"

	"apron/api"
)

// mainBranch is the branch of a repository that `apron up` makes.
const mainBranch = "main"

// gitPath is where the server's own repositories are.
const gitPath = "/git/"

// upTree sends a working tree and deploys it: to a new service, by an update, or where nothing but the source has changed,
// by a deployment.
func (s *session) upTree(ctx context.Context, f *flags, t target, u up, absent bool) error {
	if absent {
		return s.createFromTree(ctx, f, u)
	}
	svc, err := s.describe(ctx, t.arn)
	if err != nil {
		return err
	}
	repository, branch, err := builtIn(svc)
	if err != nil {
		return err
	}
	source := svc.SourceConfiguration
	before, err := json.Marshal(source)
	if err != nil {
		return err
	}
	if source.CodeRepository.CodeConfiguration, err = u.code(source.CodeRepository.CodeConfiguration); err != nil {
		return err
	}
	sent, err := s.upload(ctx, u.source.tree, repository, branch)
	if err != nil {
		return err
	}
	after, err := json.Marshal(source)
	if err != nil {
		return err
	}
	if string(after) != string(before) || svc.Status == api.StatusCreateFailed { // which only an update brings up
		return s.update(ctx, f, t, "updating", &api.UpdateServiceRequest{ServiceArn: t.arn, SourceConfiguration: source})
	}
	return s.deployTree(ctx, f, t, svc, sent)
}

func (s *session) createFromTree(ctx context.Context, f *flags, u up) error {
	code, err := u.code(nil)
	if err != nil {
		return err
	}
	sent, err := s.upload(ctx, u.source.tree, u.name, mainBranch)
	if err != nil {
		return err
	}
	out, err := invoke[api.CreateServiceResponse](ctx, s, "CreateService", &api.CreateServiceRequest{
		ServiceName: u.name,
		SourceConfiguration: &api.SourceConfiguration{
			AutoDeploymentsEnabled: new(true), // of what is pushed to the repository with git
			CodeRepository: &api.CodeRepository{
				RepositoryUrl: sent.URL, SourceDirectory: new("/"), CodeConfiguration: code,
				SourceCodeVersion: &api.SourceCodeVersion{Type: api.SourceCodeVersionBranch, Value: sent.Branch},
			},
		},
	})
	if err != nil {
		return err
	}
	if u.source.tree.Git {
		s.tell("`git push` can deploy it, too: `apron remote %s` shows how", u.name)
	}
	t := target{arn: out.Service.ServiceArn, name: u.name}
	return s.follow(ctx, f, begun{target: t, doing: "creating", service: out.Service, operation: out.OperationId})
}

// deployTree deploys what was sent, unless that is what runs.
func (s *session) deployTree(ctx context.Context, f *flags, t target, svc *api.Service, sent uploaded) error {
	current, err := s.isCurrent(ctx, t, svc, sent)
	if err != nil {
		return err
	}
	b := begun{target: t, doing: "deploying", service: svc}
	if current {
		s.tell("nothing has changed since the last deployment; `apron deploy %s` repeats it", t.name)
		return s.follow(ctx, f, b)
	}
	begun, err := deploy(ctx, s, t, nil)
	if err == nil {
		b.operation = begun.operation
		return s.follow(ctx, f, b)
	}
	if b.operation = s.deployingBy(ctx, t, sent.At); b.operation != "" {
		return s.follow(ctx, f, b)
	}
	return s.busy(ctx, t, err)
}

// deployingBy is the operation of a deployment that has begun by itself since the source was sent, which the platform may
// have noticed first; "" if there is none.
func (s *session) deployingBy(ctx context.Context, t target, since time.Time) string {
	out, err := invoke[api.ListOperationsResponse](ctx, s, "ListOperations", &api.ListOperationsRequest{ServiceArn: t.arn, MaxResults: new(1)})
	if err != nil || len(out.OperationSummaryList) == 0 {
		return ""
	}
	op := out.OperationSummaryList[0]
	if deref(op.Type) != api.OperationStartDeployment || deref(op.Status) != api.OperationInProgress || op.StartedAt.Before(since) {
		return ""
	}
	return deref(op.Id)
}

// isCurrent reports that the service runs the commit that the branch had before the upload, and still has.
func (s *session) isCurrent(ctx context.Context, t target, svc *api.Service, sent uploaded) (bool, error) {
	if sent.Changed || svc.Status != api.StatusRunning {
		return false, nil
	}
	list, err := s.deployments(ctx, t)
	if err != nil {
		return false, err
	}
	for _, d := range list {
		if d.Current {
			return deref(d.Commit) == sent.Commit, nil
		}
	}
	return false, nil
}

// builtIn is the repository of the server's own that a service is built from, and its branch.
func builtIn(svc *api.Service) (repository, branch string, err error) {
	source := svc.SourceConfiguration
	if source == nil || source.CodeRepository == nil {
		return "", "", fmt.Errorf("%s is deployed from an image and can't be changed to source; give the directory another --name", svc.ServiceName)
	}
	code := source.CodeRepository
	u, err := url.Parse(code.RepositoryUrl)
	if err != nil || !strings.HasPrefix(u.Path, gitPath) {
		return "", "", fmt.Errorf("%s is built from %s: push there, or give the directory another --name", svc.ServiceName, code.RepositoryUrl)
	}
	return strings.TrimSuffix(path.Base(u.Path), ".git"), code.SourceCodeVersion.Value, nil
}
