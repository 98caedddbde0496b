package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
)

// credentials are an access key as `apron env` prints it, and the account that it is of. The server believes the table of
// keys; this file is where the data directory's first key comes from, and what a shell gets without naming one.
type credentials struct {
	Account         string `json:"account"`
	AccessKeyID     string `json:"access_key_id"`
	SecretAccessKey string `json:"secret_access_key"`
}

const credentialsFile = "credentials.json"

func writeCredentials(data string, c credentials) error {
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(data, credentialsFile), append(text, '\n'), 0o600)
}

// readCredentials fails with fs.ErrNotExist where there are none.
func readCredentials(data string) (c credentials, err error) {
	path := filepath.Join(data, credentialsFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, err
	}
	if err == nil {
		err = c.parse(text)
	}
	if err != nil {
		err = fmt.Errorf("read %s: %w; restore it, or remove it to get a new key at the next start", path, err)
	}
	return c, err
}

// parse refuses what names no key: anybody could sign with an empty one.
func (c *credentials) parse(text []byte) error {
	if err := json.Unmarshal(text, c); err != nil {
		return err
	}
	if c.Account == "" || c.AccessKeyID == "" || c.SecretAccessKey == "" {
		return errors.New("it lacks the account, the access_key_id or the secret_access_key")
	}
	return nil
}

// newCredentials makes a key of the form that AWS clients know, for the account or, if that is empty, a new one.
func newCredentials(account string) (credentials, error) {
	c := credentials{Account: account, AccessKeyID: "AKIA" + rand.Text()[:16], SecretAccessKey: (rand.Text() + rand.Text())[:40]}
	if account != "" {
		return c, nil
	}
	n, err := rand.Int(rand.Reader, big.NewInt(9e11))
	if err != nil {
		return c, err
	}
	c.Account = fmt.Sprintf("%012d", n.Int64()+1e11)
	return c, nil
}
