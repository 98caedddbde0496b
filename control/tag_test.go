package control_test

import (
	"slices"
	"testing"

	"apron/api"
)

func tag(key, value string) api.Tag { return api.Tag{Key: &key, Value: &value} }

func TestTags_ThatAreSettingsAreCheckedAndToldOf(t *testing.T) {
	w := newWorld(t)
	in := createRequest("web-app")
	in.Tags = []api.Tag{tag("apron:idle-timeout", "10m"), tag("team", "blue")}
	out, err := w.CreateService(t.Context(), caller, in)
	if err != nil {
		t.Fatal(err)
	}
	arn := out.Service.ServiceArn
	put := func(tags ...api.Tag) error {
		_, err := w.TagResource(t.Context(), caller, &api.TagResourceRequest{ResourceArn: arn, Tags: tags})
		return err
	}
	for text, bad := range map[string]api.Tag{
		"Did you mean apron:idle-timeout?": tag("apron:idle-timout", "10m"),
		`The tag apron:idle-timeout is "soon" and must be a duration from 1s to 720h, or off, such as 10m.`: tag("apron:idle-timeout", "soon"),
		"apron does not know the tag apron:something":                                                       tag("apron:something", "1"),
	} {
		wantKind(t, put(tag("team", "red"), bad), api.KindInvalidRequest, text)
	}
	if len(w.retagged) != 0 {
		t.Errorf("told of %q before any setting was changed", w.retagged)
	}
	if err := put(tag("team", "red")); err != nil || len(w.retagged) != 0 {
		t.Errorf("a tag of the user's own: %v, told of %q", err, w.retagged)
	}
	if err := put(tag("apron:idle-timeout", "5m"), tag("apron:queue", "7")); err != nil {
		t.Error(err)
	}
	if _, err := w.UntagResource(t.Context(), caller, &api.UntagResourceRequest{ResourceArn: arn, TagKeys: []string{"team"}}); err != nil {
		t.Error(err)
	}
	if _, err := w.UntagResource(t.Context(), caller, &api.UntagResourceRequest{ResourceArn: arn, TagKeys: []string{"apron:queue", "apron:of-another-version"}}); err != nil {
		t.Error(err)
	}
	if !slices.Equal(w.retagged, []string{arn, arn}) {
		t.Errorf("told of %q, want the service twice: for a setting that changed and one that went", w.retagged)
	}
	list, err := w.ListTagsForResource(t.Context(), caller, &api.ListTagsForResourceRequest{ResourceArn: arn})
	if err != nil || len(list.Tags) != 1 || *list.Tags[0].Key != "apron:idle-timeout" || *list.Tags[0].Value != "5m" {
		t.Errorf("tags %+v, %v", list, err)
	}
}

func TestTags_ThatAreSettingsAreOfServicesAlone(t *testing.T) {
	w := newWorld(t)
	made, err := w.CreateAutoScalingConfiguration(t.Context(), caller, &api.CreateAutoScalingConfigurationRequest{
		AutoScalingConfigurationName: "high", Tags: []api.Tag{tag("team", "blue")},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.TagResource(t.Context(), caller, &api.TagResourceRequest{
		ResourceArn: *made.AutoScalingConfiguration.AutoScalingConfigurationArn, Tags: []api.Tag{tag("apron:idle-timeout", "10m")},
	})
	wantKind(t, err, api.KindInvalidRequest, "The tag apron:idle-timeout can't be on this resource.")
	if len(w.retagged) != 0 {
		t.Errorf("told of %q", w.retagged)
	}
}
