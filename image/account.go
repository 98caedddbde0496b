package image

import "context"

// Account is a Store as one account sees it. It has repositories of its own in the embedded registry, by any names: no other
// account reads, writes or deploys them. The content behind them is on disk once for all. It is a value, to be made where
// it is needed.
type Account struct {
	s  *Store
	id string // "" for the account that the directory belongs to
}

// Account returns the store as the account with this id of 12 digits sees it.
func (s *Store) Account(id string) Account {
	if id == s.cfg.Owner {
		id = ""
	}
	return Account{s: s, id: id}
}

// name is the account's id.
func (a Account) name() string {
	if a.id == "" {
		return a.s.cfg.Owner
	}
	return a.id
}

// Local tells which tag of the embedded registry the reference means now; false if it means none.
func (a Account) Local(ctx context.Context, ref string) (repository, tag string, ok bool) {
	at, err := a.locate(ctx, ref)
	return at.local, at.id, err == nil && at.local != ""
}

func (a Account) repo(name string) repo { return a.s.repo(a.id, name) }
