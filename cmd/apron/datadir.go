package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Files of the data directory that more than one command opens.
const (
	storeFile = "apron.db"
	ringFile  = "age.key"
)

// dataDir is the directory of all state, held by one process at a time.
type dataDir struct {
	path string
	lock *os.File
}

// openData makes the directory when it is missing and takes its lock, which ends with the process. It does not wait:
// a second server on the same directory is a mistake.
func openData(path string) (*dataDir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("make data directory: %w; %s", err, dataRemedy(err))
	}
	lock, err := os.OpenFile(filepath.Join(path, "lock"), os.O_RDWR|os.O_CREATE|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open data directory: %w; %s", err, dataRemedy(err))
	}
	err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		lock.Close()
		return nil, errInUse(path)
	}
	if err != nil {
		lock.Close()
		return nil, fmt.Errorf("lock data directory %s: %w", path, err)
	}
	return &dataDir{path: path, lock: lock}, nil
}

// dataRemedy says what to do about a data directory that cannot be used.
func dataRemedy(err error) string {
	if errors.Is(err, fs.ErrPermission) {
		return "run apron as the directory's owner, which is root for a server's, or choose another with --data"
	}
	return "choose another with --data"
}

// errInUse says that a server holds the directory.
type errInUse string

func (e errInUse) Error() string {
	return fmt.Sprintf("another apron serves from %s; stop it with `apron stop --data %s`, or choose another directory with --data", string(e), string(e))
}

// Close gives the directory free.
func (d *dataDir) Close() error { return d.lock.Close() }

func (d *dataDir) join(name string) string { return filepath.Join(d.path, name) }

// address is where a running server is reached, for the commands that look for it.
type address struct {
	PID     int    `json:"pid"`
	APIURL  string `json:"api_url"`
	EdgeURL string `json:"edge_url"`
	Domain  string `json:"domain"` // of the services' names
}

const addressFile = "server.json"

func writeAddress(data string, a address) error {
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(data, addressFile), append(text, '\n'), 0o600)
}

// readAddress finds the server that runs on the data directory.
func readAddress(data string) (a address, err error) {
	text, err := os.ReadFile(filepath.Join(data, addressFile))
	if errors.Is(err, fs.ErrNotExist) {
		return a, fmt.Errorf("no apron serves from %s; start one with `apron serve --data %s`", data, data)
	}
	if err != nil {
		return a, fmt.Errorf("find the server: %w; %s", err, dataRemedy(err))
	}
	if err := json.Unmarshal(text, &a); err != nil {
		return a, fmt.Errorf("read %s: %w; end the server and start it again, which writes the file anew", filepath.Join(data, addressFile), err)
	}
	return a, nil
}

// answers finds a server that was killed: it leaves its address behind.
func (a address) answers() error {
	conn, err := net.DialTimeout("tcp", strings.TrimPrefix(a.APIURL, "http://"), 2*time.Second)
	if err != nil {
		return fmt.Errorf("the server (process %d) does not answer: %w", a.PID, err)
	}
	return conn.Close()
}
