package build

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"apron/image"
)

// commit makes an image of layers above a base, under a tag of the service's repository.
func (w *work) commit(ctx context.Context, base string, layers []image.Tree, tag string) (string, error) {
	defer w.phase("image")()
	w.doing = "Its image was being written"
	digest, err := w.images().Commit(ctx, image.NewImage{
		Base: base, Layers: layers, Created: w.created(),
		Cmd: Command(w.recipe.Run.Command), Env: w.imageEnvironment(), WorkingDir: w.workingDir(), Labels: w.labels(),
		Repo: repository(w.r.Name, w.r.Service), Tag: tag,
	})
	if err != nil {
		return "", commitError(err)
	}
	w.hold(digest)
	return digest, nil
}

// refit gives an image that is used again the start command that it has to have now: Run is no part of the key, because a new
// command needs no build.
func (w *work) refit(ctx context.Context, img image.Image) (string, error) {
	if slices.Equal(img.Cmd, Command(w.recipe.Run.Command)) {
		return img.Digest, nil
	}
	if err := w.noteImage(ctx, func(*state) {}); err != nil { // before there is the tag, as openCaches does
		return "", err
	}
	digest, err := w.commit(ctx, img.Digest, nil, w.tag())
	if err != nil {
		return "", err
	}
	return digest, w.b.cfg.Keep(ctx, w.r.Account, w.r.Service, w.key, digest)
}

// labels are OCI's own, for whoever meets the image elsewhere.
func (w *work) labels() map[string]string {
	const prefix = "org.opencontainers.image."
	labels := map[string]string{
		prefix + "revision": w.r.Checkout.Commit.ID,
		prefix + "created":  w.created().Format(time.RFC3339),
	}
	if w.r.Repository != "" {
		labels[prefix+"source"] = w.r.Repository
	}
	return labels
}

// tag names the image by its commit.
func (w *work) tag() string { return w.r.Checkout.Commit.ID[:min(12, len(w.r.Checkout.Commit.ID))] }

const draftPrefix = "draft-"

// draftTag keeps the first of two images while the commands of the second run on it.
func (w *work) draftTag() string { return draftPrefix + instanceID(w.r.Operation, "draft")[:12] }

var repositoryForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9]+([._-][a-z0-9]+)*$`) })

// repository is where a service's images are in the embedded registry: apron/ and its name, which is not always one that a
// repository can have. What is changed for it gets the service's id too, so that no two services meet.
func repository(name, service string) string {
	if repositoryForm().MatchString(name) {
		return "apron/" + name
	}
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	return "apron/" + strings.Join(append(words, strings.ToLower(service[:min(8, len(service))])), "-")
}

func commitError(err error) error {
	if e, ok := errors.AsType[*image.TooLargeError](err); ok {
		return refuse(err, "The image would be too large: its %s would be over %d %s. Let the build leave less behind.", e.What, e.Limit, e.Unit)
	}
	return fmt.Errorf("write the image: %w", err)
}
