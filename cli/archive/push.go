package archive

import (
	"context"
	"fmt"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Push writes the image into the repository at ref, such as 127.0.0.1:4080/web:latest, logged in as user. progress is told
// of the bytes that are there and of all that there will be, by a goroutine that ends before Push does; plain allows a
// registry without TLS.
func (i *Image) Push(ctx context.Context, ref string, plain bool, user, password string, progress func(done, all int64)) error {
	var options []name.Option
	if plain {
		options = append(options, name.Insecure)
	}
	tag, err := name.NewTag(ref, options...)
	if err != nil {
		return err
	}
	updates, told := make(chan v1.Update, 16), make(chan struct{})
	go func() {
		defer close(told)
		for u := range updates {
			progress(u.Complete, u.Total)
		}
	}()
	err = remote.Push(tag, i.content, remote.WithContext(ctx), remote.WithProgress(updates), remote.WithAuth(&authn.Basic{Username: user, Password: password}))
	<-told // Push has closed updates
	if err != nil {
		return fmt.Errorf("push %s: %w", ref, err)
	}
	return nil
}
