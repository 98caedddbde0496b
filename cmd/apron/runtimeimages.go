package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"apron/build/runtimes"
)

// runtimeImages are the bases that managed runtimes have in place of the default: NAME to an image's reference, or to host. It
// is the value of --runtime-image.
type runtimeImages map[string]string

// Set adds what a flag or a variable says; what is said again wins.
func (r *runtimeImages) Set(text string) error {
	if *r == nil {
		*r = runtimeImages{}
	}
	for part := range strings.SplitSeq(text, ",") {
		name, ref, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok || name == "" || ref == "" {
			return fmt.Errorf("%q is not NAME=IMAGE or NAME=host, as in python311=registry.example/python:3.11", part)
		}
		(*r)[name] = ref
	}
	return nil
}

func (r *runtimeImages) String() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(*r)) {
		parts = append(parts, name+"="+(*r)[name])
	}
	return strings.Join(parts, ",")
}

// Type is what the help calls the value.
func (r *runtimeImages) Type() string { return "NAME=IMAGE" }

func (r *runtimeImages) check() error {
	if err := runtimes.CheckMap(*r); err != nil {
		return fmt.Errorf("--runtime-image: %w", err)
	}
	return nil
}

func (c *Config) runtimeImagesFromEnv() error {
	text := os.Getenv("APRON_RUNTIME_IMAGES")
	if text == "" {
		return nil
	}
	if err := c.RuntimeImages.Set(text); err != nil {
		return fmt.Errorf("APRON_RUNTIME_IMAGES: %w", err)
	}
	return nil
}
