package main

import (
	"context"
	"time"

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
				Auto: *source.AutoDeploymentsEnabled, Paused: svc.Service.Status == api.StatusPaused,
				Failed: svc.Service.Status == api.StatusCreateFailed || svc.Service.Status == api.StatusDeleteFailed,
			})
		}
	})
	return uses, err
}

// eachFromGit calls f with each service that is not deleted and has its source in a built-in repository, and with the
// repository's name.
func (p *platform) eachFromGit(ctx context.Context, f func(svc store.Service, repository string)) error {
	return p.store.View(ctx, func(tx *store.Tx) error {
		for _, status := range []api.ServiceStatus{api.StatusRunning, api.StatusPaused, api.StatusOperationInProgress, api.StatusCreateFailed, api.StatusDeleteFailed} {
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

const (
	gitPruneEvery = time.Hour
	gitKeep       = 30 * 24 * time.Hour // what nothing leads to, and repositories that no service uses
)

// pruneGit gives back what built-in repositories no longer need, until ctx is done.
func (p *platform) pruneGit(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(gitPruneEvery):
		}
		type repository struct{ account, name string }
		used := map[repository]bool{}
		err := p.eachFromGit(ctx, func(svc store.Service, name string) { used[repository{svc.Account, name}] = true })
		var freed int64
		if err == nil {
			freed, err = p.git.Prune(ctx, func(account, name string) bool { return used[repository{account, name}] }, gitKeep)
		}
		switch {
		case err != nil && ctx.Err() == nil:
			p.log.Error("pruning the built-in repositories failed; it is tried again in an hour", "error", err)
		case freed > 0:
			p.log.Info("pruned the built-in repositories", "bytes", freed)
		}
	}
}
