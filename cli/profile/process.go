package profile

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os/exec"
	"syscall"
	"time"

	"apron/cli/document"
	"apron/cli/shlex"
)

// fromProcess has the program that the profile names print the keys.
func (s *Session) fromProcess(ctx context.Context, name string) (source, error) {
	command, ok := has(s.profile(name), "credential_process")
	if !ok {
		return nil, nil
	}
	fetch := func(ctx context.Context) (*lease, error) { return run(ctx, command) }
	first, err := fetch(ctx)
	if err != nil {
		return nil, err
	}
	if first.ends.IsZero() {
		return first.source(), nil
	}
	return renewed(first, fetch), nil
}

const process = "custom-process"

// run starts the program, without a shell, and reads what it prints.
func run(ctx context.Context, command string) (*lease, error) {
	words, err := shlex.Split(command)
	if err != nil {
		return nil, wrong("%v", err)
	}
	if len(words) == 0 {
		return nil, wrong("list index out of range") // what Python says of a command without words
	}
	var out, complaint bytes.Buffer
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		if _, exited := errors.AsType[*exec.ExitError](err); exited {
			return nil, unretrieved(process, complaint.String())
		}
		return nil, unstarted(words[0], err)
	}
	return printed(out.String())
}

// unstarted is a program that cannot be run, in Python's words.
func unstarted(program string, err error) error {
	number, why := syscall.ENOENT, "No such file or directory"
	if errors.Is(err, fs.ErrPermission) {
		number, why = syscall.EACCES, "Permission denied"
	}
	return wrong("[Errno %d] %s: %s", int(number), why, document.Repr(program))
}

// printed reads the keys in what the program printed.
func printed(text string) (*lease, error) {
	value, err := document.Parse(text)
	if err != nil {
		return nil, wrong("%v", err)
	}
	said, ok := value.(*document.Map)
	if !ok {
		return nil, wrong("'%s' object has no attribute 'get'", document.Type(value))
	}
	version, ok := said.Get("Version")
	if !ok {
		version = "<Version key not provided>"
	}
	if version != int64(1) {
		return nil, unretrieved(process, "Unsupported version '"+document.Str(version)+"' for credential process provider, supported versions: 1")
	}
	for _, key := range []string{"AccessKeyId", "SecretAccessKey"} {
		if _, ok := said.Get(key); !ok {
			return nil, unretrieved(process, "Missing required key in response: "+document.Repr(key))
		}
	}
	return leased(said, "AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration")
}

// leased takes the keys out of an object whose members have these names.
func leased(said *document.Map, id, secret, token, ends string) (*lease, error) {
	l := &lease{}
	l.AccessKeyID, _ = has(said, id)
	l.SecretAccessKey, _ = has(said, secret)
	l.SessionToken, _ = has(said, token)
	end, ok := has(said, ends)
	if !ok {
		return l, nil
	}
	var err error
	l.ends, err = moment(end)
	return l, err
}

// utc is a time as the AWS CLI keeps it in its cache.
func utc(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05") + "UTC" }
