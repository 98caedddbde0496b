package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"
	"golang.org/x/crypto/ssh"

	"apron/store"
)

// credentialSource is where the operator has a connection's credential. It is never an argument: those can be read in the
// process list and stay in the shell's history.
type credentialSource struct {
	tokenStdin        bool
	tokenFile, sshKey string
	knownHosts        string   // file, of an SSH key
	hosts             []string // that it is for; nil is the provider's own
	stdin             io.Reader
}

func (s *credentialSource) bind(fs *pflag.FlagSet) {
	fs.BoolVar(&s.tokenStdin, "token-stdin", false, "read the access token from standard input")
	fs.StringVar(&s.tokenFile, "token-file", "", "file with the access token")
	fs.StringVar(&s.sshKey, "ssh-key", "", "file with the private SSH key, without passphrase")
	fs.StringVar(&s.knownHosts, "known-hosts", "", "with --ssh-key, `FILE` with the keys of the servers, as ssh-keyscan prints them; without it a server's first key is kept")
	fs.StringSliceVar(&s.hosts, "host", nil, "`HOST` that the credential is for, in the place of the provider's own; repeat it for more")
}

func (s *credentialSource) allowed() (hosts []string) {
	for _, host := range s.hosts {
		hosts = append(hosts, strings.ToLower(host))
	}
	return hosts
}

// check wants exactly one source.
func (s *credentialSource) check() error {
	given := 0
	for _, is := range []bool{s.tokenStdin, s.tokenFile != "", s.sshKey != ""} {
		if is {
			given++
		}
	}
	if given != 1 {
		return errors.New("give the credential with one of --token-stdin, --token-file FILE and --ssh-key FILE")
	}
	if s.knownHosts != "" && s.sshKey == "" {
		return errors.New("--known-hosts goes with --ssh-key: tokens are sent over https, where certificates say who is there")
	}
	return nil
}

// credential is what was read, with words about it that tell no secret.
type credential struct {
	kind   store.CredentialKind
	secret []byte
	known  []byte // of an SSH key, the keys of servers
	shown  string
}

func (s *credentialSource) read() (credential, error) {
	switch {
	case s.sshKey != "":
		c, err := readSSHKey(s.sshKey)
		if err == nil && s.knownHosts != "" {
			c.known, err = readKnownHosts(s.knownHosts)
		}
		return c, err
	case s.tokenFile != "":
		text, err := readSecret(s.tokenFile)
		if err != nil {
			return credential{}, err
		}
		return parseToken(text, s.tokenFile)
	default:
		text, err := io.ReadAll(io.LimitReader(s.stdin, maxSecret+1))
		if err != nil {
			return credential{}, fmt.Errorf("read the token from standard input: %w", err)
		}
		return parseToken(text, "standard input")
	}
}

// maxSecret is far above what any provider or ssh-keygen makes.
const maxSecret = 64 << 10

func readSecret(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the credential: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return nil, fmt.Errorf("read the credential: %w", err)
	}
	return text, nil
}

// parseToken wants one line of what a token can consist of. Its errors never show what was read.
func parseToken(text []byte, from string) (credential, error) {
	token := bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r"))
	switch {
	case len(token) == 0:
		return credential{}, fmt.Errorf("%s has no token; put the access token there, alone on one line", from)
	case len(token) > maxSecret:
		return credential{}, fmt.Errorf("%s has more than a token; put the access token there, alone on one line", from)
	case bytes.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return credential{}, fmt.Errorf("%s has spaces, further lines or characters that are not printable ASCII; put the access token there, alone on one line", from)
	}
	return credential{kind: store.CredentialToken, secret: token, shown: "an access token"}, nil
}

// readSSHKey wants a private key that apron can use while nobody is there to type a passphrase. What the parser says of a
// bad key is left out: it may be part of it.
func readSSHKey(path string) (credential, error) {
	text, err := readSecret(path)
	if err != nil {
		return credential{}, err
	}
	key, err := ssh.ParsePrivateKey(text)
	if _, locked := errors.AsType[*ssh.PassphraseMissingError](err); locked {
		return credential{}, fmt.Errorf("%s is protected by a passphrase, which nobody types when apron fetches source; "+
			"make a key for this purpose with `ssh-keygen -t ed25519 -N '' -f FILE`, or take the passphrase off a copy with `ssh-keygen -p -N '' -f COPY`", path)
	}
	if err != nil {
		return credential{}, fmt.Errorf("%s holds no private SSH key; give the file that ssh-keygen wrote, the one without .pub", path)
	}
	public := key.PublicKey()
	shown := fmt.Sprintf("the SSH key %s (%s)", ssh.FingerprintSHA256(public), public.Type())
	return credential{kind: store.CredentialSSHKey, secret: text, shown: shown}, nil
}

// readKnownHosts wants at least one key, each in a line that ssh would read: with none, any server's would do.
func readKnownHosts(path string) ([]byte, error) {
	text, err := readSecret(path)
	if err != nil {
		return nil, err
	}
	for rest, keys := text, 0; ; keys++ {
		_, _, _, _, next, err := ssh.ParseKnownHosts(rest)
		if errors.Is(err, io.EOF) && keys > 0 && len(text) <= maxSecret {
			return text, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s holds no keys of servers, or something else too; write it with `ssh-keyscan HOST`, and compare the keys with what the host says of them", path)
		}
		rest = next
	}
}
