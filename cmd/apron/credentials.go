package main

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"

	"apron/awsjson"
)

// credentials are the account that a data directory belongs to and its access key.
type credentials struct {
	Account         string `json:"account"`
	AccessKeyID     string `json:"access_key_id"`
	SecretAccessKey string `json:"secret_access_key"`
}

const credentialsFile = "credentials.json"

// loadCredentials reads the credentials of the data directory and makes them at first start.
func loadCredentials(data string) (credentials, error) {
	c, err := readCredentials(data)
	if !errors.Is(err, fs.ErrNotExist) {
		return c, err
	}
	if c, err = newCredentials(); err != nil {
		return c, err
	}
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return c, err
	}
	return c, writeFile(filepath.Join(data, credentialsFile), append(text, '\n'), 0o600)
}

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
		err = fmt.Errorf("read %s: %w; restore it, or remove it to get a new account, which does not see the old one's services", path, err)
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

// newCredentials makes an account of twelve digits and a key of the form that AWS clients know.
func newCredentials() (credentials, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(9e11))
	if err != nil {
		return credentials{}, err
	}
	return credentials{
		Account:         fmt.Sprintf("%012d", n.Int64()+1e11),
		AccessKeyID:     "AKIA" + rand.Text()[:16],
		SecretAccessKey: (rand.Text() + rand.Text())[:40],
	}, nil
}

// key finds an access key by its id.
func (c credentials) key(_ context.Context, id string) (awsjson.Key, bool, error) {
	return awsjson.Key{Secret: c.SecretAccessKey, Account: c.Account}, id == c.AccessKeyID, nil
}

// login tells whether a user name and password, as a registry client sends them, are an access key and its secret.
func (c credentials) login(user, password string) bool {
	right := subtle.ConstantTimeCompare([]byte(password), []byte(c.SecretAccessKey)) == 1
	return right && user == c.AccessKeyID
}
