package main_test

import (
	"strings"
	"testing"

	"apron/api"
)

// TestRuntime_ABaseOfDebianPackagesRuns makes a base with the real mmdebstrap, and has the platform look into it by the name
// that it is configured with.
func TestRuntime_ABaseOfDebianPackagesRuns(t *testing.T) {
	p := servePlatform(t, "--runtime-image", "python311=apron/runtime/python311:{version}", "--runtime-image", "python3=host")
	image, err := p.PushBase(t.Context(), "python311")
	if err != nil {
		t.Fatal(err)
	}
	version := strings.TrimPrefix(image, "apron/runtime/python311:")
	if !strings.HasPrefix(version, "3.11.") {
		t.Fatalf("the base is called %s", image)
	}
	out, diagnosis, err := runApron(t, p.Data, "runtime", "pull", "python311")
	if err == nil || !strings.Contains(diagnosis, "repository apron/runtime/python311 of the embedded registry has no 3.11") {
		t.Errorf("of a tag that is not there: %v\n%s%s", err, out, diagnosis)
	}
	p = servePlatform(t, "--runtime-image", "python311="+image)
	if _, err := p.PushBase(t.Context(), "python311"); err != nil {
		t.Fatal(err)
	}
	out, diagnosis, err = runApron(t, p.Data, "runtime", "pull", "python311")
	if want := "python311 has version " + version + " in " + image + "\n"; err != nil || out != want {
		t.Errorf("%v\n%s%s\nwant %s", err, out, diagnosis, want)
	}
	var list api.ListRuntimesResponse
	w := &world{T: t, data: p.Data, platform: p}
	if err := w.own("ListRuntimes", &list); err != nil {
		t.Fatal(err)
	}
	for _, r := range list.RuntimeSummaryList {
		if r.RuntimeName == "python311" && (r.BaseSource != api.BaseSourceConfigured || r.BaseStatus != api.BaseAvailable || r.ImageDigest == nil) {
			t.Errorf("%+v", r)
		}
	}
}

func TestServe_RefusesRuntimeImagesThatLeadNowhere(t *testing.T) {
	for value, want := range map[string]string{
		"python99=r.example/python:3": `there is no runtime "python99"`,
		"python311":                   "is not NAME=IMAGE",
		"python311=r.example/UPPER":   "the base image of python311",
	} {
		if _, diagnosis, err := runApron(t, t.TempDir(), "serve", "--runtime-image", value); err == nil || !strings.Contains(diagnosis, want) {
			t.Errorf("%s: %v\n%s; want %q", value, err, diagnosis, want)
		}
	}
}
