package store

import "apron/api"

// Connection is the record of a connection: what clients see of it, and what opens the provider's repositories. Read as
// an api.Connection, as the actions do, it comes without the credential, and written as one it loses it.
type Connection struct {
	api.Connection
	Credential *Credential `json:"Credential,omitempty"` // nil until the operator has given one
}

// Credential is what a provider asks of those who fetch source.
type Credential struct {
	Kind   CredentialKind
	Sealed []byte // with the data directory's key
	Given  api.Timestamp
	Hosts  []string `json:",omitempty"` // that it is shown to, in lower case; nil is the provider's own
	Known  []byte   `json:",omitempty"` // of an SSH key: lines of known hosts, that servers are held against
}

// HostsOf are the hosts that the credential of a provider's connection is shown to. It is never shown to others: the URL of a
// repository is whatever a client says.
func (c Credential) HostsOf(p api.ProviderType) []string {
	if c.Hosts != nil {
		return c.Hosts
	}
	return map[api.ProviderType][]string{api.ProviderGitHub: {"github.com"}, api.ProviderBitbucket: {"bitbucket.org"}}[p]
}

// CredentialKind says what is sealed in a Credential. It is stored; renaming one is a migration.
type CredentialKind string

// The kinds of credential: an access token, which HTTPS takes for a password, and a private key in PEM form.
const (
	CredentialToken  CredentialKind = "token"
	CredentialSSHKey CredentialKind = "ssh-key"
)

// Connections lists those of all accounts and regions that are not deleted, oldest first.
func (tx *Tx) Connections() ([]Row[Resource[Connection]], error) {
	return all[Resource[Connection]](tx, `SELECT seq, record FROM resources WHERE kind = ? AND deleted IS NULL ORDER BY seq`,
		api.ResourceConnection)
}
