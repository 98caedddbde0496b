package control

import (
	"apron/api"
	"apron/store"
)

// family is a kind of configuration: each is unchangeable, and another one of the same name is the name's next revision.
type family struct {
	kind      api.ResourceKind
	names     string // the quota on names
	revisions string // the quota on the revisions of a name
}

var (
	autoScalings    = family{api.ResourceAutoScalingConfiguration, "auto-scaling-configurations", "auto-scaling-revisions"}
	observabilities = family{api.ResourceObservabilityConfiguration, "observability-configurations", "observability-revisions"}
)

// providedName is the configuration of either family that AWS gives to every account and region.
const providedName = "DefaultConfiguration"

// providedARN is the same everywhere: clients such as Copilot have it written down.
func providedARN(caller api.Caller, kind api.ResourceKind) api.ARN {
	return api.ARN{
		Region: caller.Region, Account: caller.Account, Kind: kind,
		Name: providedName, Revision: 1, ID: "00000000000000000000000000000001",
	}
}

// nextRevision names the next configuration of a name. Its revision is one above the highest that the name ever had: a
// number that comes again would mean another configuration to whoever wrote it down.
func (c *Control) nextRevision(tx *store.Tx, caller api.Caller, f family, name string) (api.ARN, error) {
	arn := newARN(caller, f.kind, name, 0)
	if err := c.roomForRevision(tx, f, arn); err != nil {
		return arn, err
	}
	last, err := tx.LastRevision(arn)
	arn.Revision = last + 1
	return arn, err
}

func (c *Control) roomForRevision(tx *store.Tx, f family, arn api.ARN) error {
	have, err := tx.CountRevisions(arn)
	if err != nil {
		return err
	}
	if have == 0 && arn.Name != providedName {
		if err := c.roomForName(tx, f, arn); err != nil {
			return err
		}
	}
	return c.underQuota(f.revisions, have, "revisions of the "+nouns[f.kind]+" "+arn.Name)
}

// roomForName leaves the provided name out of the count: nobody asked for it.
func (c *Control) roomForName(tx *store.Tx, f family, arn api.ARN) error {
	have, err := tx.CountNames(arn.Account, arn.Region, f.kind)
	if err != nil {
		return err
	}
	arn.Name = providedName
	provided, err := tx.CountRevisions(arn)
	if err != nil {
		return err
	}
	return c.underQuota(f.names, have-min(provided, 1), "names of "+nouns[f.kind]+"s in "+arn.Region)
}

// latest tells whether the configuration is its name's highest revision of those that are not deleted.
func latest[T any](tx *store.Tx, r store.Resource[T]) (bool, error) {
	if r.Deleted != nil {
		return false, nil
	}
	highest, err := store.FindResource[struct{}](tx, unrevised(r.ARN))
	return highest.ARN == r.ARN, err
}

// unrevised shortens the ARN to the one of the name.
func unrevised(arn api.ARN) api.ARN {
	arn.Revision, arn.ID = 0, ""
	return arn
}

// revisions selects what a list of the family shows: those of one name or of all, and each name's latest alone unless
// the client says otherwise.
func revisions(caller api.Caller, f family, name *string, latestOnly *bool) store.ResourceList {
	l := store.ResourceList{Account: caller.Account, Region: caller.Region, Kind: f.kind, LatestOnly: true}
	if name != nil {
		l.Name = *name
	}
	if latestOnly != nil {
		l.LatestOnly = *latestOnly
	}
	return l
}
