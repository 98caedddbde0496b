package image

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// maxLayers is what the field's registries and runtimes hold to.
const maxLayers = 127

// chosen is the manifest for this machine that a reference leads to.
type chosen struct {
	digest   digest
	manifest v1.Manifest
}

// document holds what tells the kinds of manifest apart. The kind is read from the fields and not from a media type, which
// a registry can state wrongly; one that could be read as both kinds is refused, because two readers might disagree.
type document struct {
	SchemaVersion int             `json:"schemaVersion"`
	MediaType     types.MediaType `json:"mediaType"`
	Config        json.RawMessage `json:"config"`
	Layers        json.RawMessage `json:"layers"`
	Manifests     json.RawMessage `json:"manifests"`
	FSLayers      json.RawMessage `json:"fsLayers"`
}

func (d document) isIndex() bool { return d.Manifests != nil }

func parseDocument(data []byte) (document, error) {
	var d document
	if err := json.Unmarshal(data, &d); err != nil {
		return d, invalid("its manifest is no JSON object (%v)", err)
	}
	switch {
	case d.SchemaVersion == 1, d.FSLayers != nil:
		return d, invalid("its manifest is of Docker's schema 1, which registries gave up in 2019")
	case d.Manifests != nil && (d.Layers != nil || d.Config != nil):
		return d, invalid("its manifest is ambiguous: it has both manifests and layers")
	case d.Manifests == nil && (d.Layers == nil || d.Config == nil):
		return d, invalid("its manifest has neither manifests nor config and layers")
	}
	return d, nil
}

func platform() v1.Platform { return v1.Platform{OS: "linux", Architecture: runtime.GOARCH} }

// choose follows a reference to the manifest for this machine, through an index if there is one.
func choose(ctx context.Context, src source, d digest) (chosen, error) {
	data, err := src.manifest(ctx, d)
	if err != nil {
		return chosen{}, err
	}
	doc, err := parseDocument(data)
	if err != nil {
		return chosen{}, err
	}
	if !doc.isIndex() {
		return parseManifest(data)
	}
	child, err := pick(data)
	if err != nil {
		return chosen{}, err
	}
	if data, err = src.manifest(ctx, child); err != nil {
		return chosen{}, err
	}
	return parseManifest(data)
}

func parseManifest(data []byte) (chosen, error) {
	doc, err := parseDocument(data)
	if err != nil {
		return chosen{}, err
	}
	if doc.isIndex() {
		return chosen{}, invalid("its index leads to another index")
	}
	c := chosen{digest: digestOf(data)}
	if err := json.Unmarshal(data, &c.manifest); err != nil {
		return chosen{}, invalid("its manifest cannot be read (%v)", err)
	}
	if len(c.manifest.Layers) > maxLayers {
		return chosen{}, tooLarge("number of layers", maxLayers, "layers")
	}
	return c, c.check()
}

func (c chosen) check() error {
	for _, desc := range append(slices.Clone(c.manifest.Layers), c.manifest.Config) {
		if _, err := parseDigest(desc.Digest.String()); err != nil {
			return invalid("its manifest names a blob by %v", err)
		}
		if desc.Size < 0 {
			return invalid("its manifest gives a negative size")
		}
	}
	return nil
}

// pick chooses the first manifest of an index for this machine. An entry that names no platform is taken if no other fits;
// its configuration is checked later.
func pick(data []byte) (digest, error) {
	var index v1.IndexManifest
	if err := json.Unmarshal(data, &index); err != nil {
		return "", invalid("its index cannot be read (%v)", err)
	}
	var have []string
	var unnamed []v1.Descriptor
	for _, m := range index.Manifests {
		switch p := m.Platform; {
		case p == nil:
			unnamed = append(unnamed, m)
		case p.OS == platform().OS && p.Architecture == platform().Architecture:
			return parseChild(m)
		case p.OS != "unknown": // build attestations are listed as unknown/unknown
			have = append(have, p.String())
		}
	}
	if len(unnamed) > 0 {
		return parseChild(unnamed[0])
	}
	if len(have) == 0 {
		return "", invalid("its index lists no image")
	}
	return "", &PlatformError{Have: have, Want: platform().String()}
}

func parseChild(m v1.Descriptor) (digest, error) {
	d, err := parseDigest(m.Digest.String())
	if err != nil {
		return "", &InvalidError{Cause: fmt.Errorf("its index names a manifest by %w", err)}
	}
	return d, nil
}

// checkConfig compares the configuration with this machine and with the manifest, and returns the layers' diffIDs.
func (c chosen) checkConfig(cfg *v1.ConfigFile) ([]digest, error) {
	have := v1.Platform{OS: cfg.OS, Architecture: cfg.Architecture}
	// A configuration that names nothing was made by a tool that did not care, on the machine it was made for.
	if have.String() != "" && have.String() != platform().String() {
		return nil, &PlatformError{Have: []string{have.String()}, Want: platform().String()}
	}
	if n, m := len(cfg.RootFS.DiffIDs), len(c.manifest.Layers); n != m {
		return nil, invalid("its manifest has %d layers, its configuration %d", m, n)
	}
	var ids []digest
	for _, h := range cfg.RootFS.DiffIDs {
		id, err := parseDigest(h.String())
		if err != nil {
			return nil, invalid("its configuration names a layer by %v", err)
		}
		ids = append(ids, id)
	}
	return ids, nil
}
