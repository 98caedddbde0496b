package main

import (
	"context"

	"apron/api"
	"apron/gitserver"
	"apron/store"
)

func (p *platform) openGit(context.Context) (err error) {
	p.git, err = gitserver.New(gitserver.Config{
		Dir: p.data.join("git"), Log: p.log, URL: "http://" + reachable(p.api), Hosts: p.registryNames(),
		MaxBytes: int64(p.cfg.PushLimit) << 20, Login: p.keys.gitLogin, Uses: p.gitUses, Pushed: p.pushed,
	})
	return err
}

// gitLogin is login for git clients, which send the same as those of the registry.
func (k *keys) gitLogin(ctx context.Context, user, password string) (gitserver.Access, bool, error) {
	access, ok, err := k.login(ctx, user, password)
	return gitserver.Access{Account: access.Account, ReadOnly: access.ReadOnly}, ok, err
}

// gitUses lists the services that are deployed from the account's built-in repository.
func (p *platform) gitUses(ctx context.Context, account, repository string) ([]gitserver.Use, error) {
	var uses []gitserver.Use
	err := p.eachFromGit(ctx, func(svc store.Service, name string) {
		source := svc.Service.SourceConfiguration
		if svc.Account == account && name == repository {
			uses = append(uses, gitserver.Use{
				Service: svc.Service.ServiceName, Branch: source.CodeRepository.SourceCodeVersion.Value,
				Directory: *source.CodeRepository.SourceDirectory, Auto: *source.AutoDeploymentsEnabled, Paused: svc.Service.Status == api.StatusPaused,
				Failed: svc.Service.Status == api.StatusCreateFailed || svc.Service.Status == api.StatusDeleteFailed,
			})
		}
	})
	return uses, err
}

// undeleted are the statuses of services that there are.
var undeleted = []api.ServiceStatus{api.StatusRunning, api.StatusPaused, api.StatusOperationInProgress, api.StatusCreateFailed, api.StatusDeleteFailed}

// eachFromGit calls f with each service that is not deleted and has its source in a built-in repository, and with the
// repository's name.
func (p *platform) eachFromGit(ctx context.Context, f func(svc store.Service, repository string)) error {
	return p.store.View(ctx, func(tx *store.Tx) error {
		for _, status := range undeleted {
			list, err := tx.ServicesIn(status)
			if err != nil {
				return err
			}
			for _, row := range list {
				source := row.Record.Service.SourceConfiguration
				if source == nil || source.CodeRepository == nil {
					continue
				}
				if name, ok := p.git.Repository(source.CodeRepository.RepositoryUrl); ok {
					f(row.Record, name)
				}
			}
		}
		return nil
	})
}
