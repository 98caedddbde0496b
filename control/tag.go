package control

import (
	"context"
	"slices"
	"strings"

	"apron/api"
	"apron/store"
	"apron/tags"
)

// ListTagsForResource lists the tags of a resource in the order of their keys.
func (c *Control) ListTagsForResource(ctx context.Context, caller api.Caller, in *api.ListTagsForResourceRequest) (*api.ListTagsForResourceResponse, error) {
	if err := c.ensureDefault(ctx, caller); err != nil {
		return nil, err
	}
	out := &api.ListTagsForResourceResponse{Tags: []api.Tag{}}
	err := c.cfg.Store.View(ctx, func(tx *store.Tx) error {
		if err := tagged(tx, caller, "ListTagsForResource", in.ResourceArn); err != nil {
			return err
		}
		tags, err := tx.Tags(in.ResourceArn)
		for _, tag := range tags {
			out.Tags = append(out.Tags, api.Tag{Key: &tag.Key, Value: &tag.Value})
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// TagResource adds tags to a resource or overwrites their values. Those that are settings are in force when it answers.
func (c *Control) TagResource(ctx context.Context, caller api.Caller, in *api.TagResourceRequest) (*api.TagResourceResponse, error) {
	if err := c.ensureDefault(ctx, caller); err != nil {
		return nil, err
	}
	if err := checkTagsOf(in.ResourceArn, in.Tags); err != nil {
		return nil, err
	}
	err := c.cfg.Store.Update(ctx, func(tx *store.Tx) error {
		if err := tagged(tx, caller, "TagResource", in.ResourceArn); err != nil {
			return err
		}
		if err := putTags(tx, in.ResourceArn, in.Tags); err != nil {
			return err
		}
		tags, err := tx.Tags(in.ResourceArn)
		if err == nil && len(tags) > maxTags {
			return tooManyTags(len(tags))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	c.retagged(in.ResourceArn, keysOf(in.Tags))
	return &api.TagResourceResponse{}, nil
}

// UntagResource removes tags from a resource; keys it does not have are no error.
func (c *Control) UntagResource(ctx context.Context, caller api.Caller, in *api.UntagResourceRequest) (*api.UntagResourceResponse, error) {
	if err := c.ensureDefault(ctx, caller); err != nil {
		return nil, err
	}
	err := c.cfg.Store.Update(ctx, func(tx *store.Tx) error {
		if err := tagged(tx, caller, "UntagResource", in.ResourceArn); err != nil {
			return err
		}
		for _, key := range in.TagKeys {
			if err := tx.DeleteTag(in.ResourceArn, key); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	c.retagged(in.ResourceArn, in.TagKeys)
	return &api.UntagResourceResponse{}, nil
}

// retagged has changed settings of a service come into force.
func (c *Control) retagged(arn string, keys []string) {
	if slices.ContainsFunc(keys, tags.IsSetting) {
		c.cfg.Retagged(arn)
	}
}

func keysOf(list []api.Tag) (keys []string) {
	for _, tag := range list {
		keys = append(keys, *tag.Key)
	}
	return keys
}

// checkTagsOf is the check for the kind of resource that the ARN names, if it names one.
func checkTagsOf(arn string, list []api.Tag) error {
	parsed, err := api.ParseARN(arn)
	if err != nil {
		return err
	}
	if parsed.Kind == api.ResourceService {
		return checkServiceTags(list)
	}
	return checkTags(list)
}

// tagged checks that the ARN is of a resource whose tags the caller may see and change by the action.
func tagged(tx *store.Tx, caller api.Caller, action, arn string) error {
	parsed, err := api.ParseARN(arn)
	if err != nil {
		return err
	}
	if parsed.Partial() {
		return api.InvalidRequest("The ARN %s lacks the id, which names what has the tags. List or describe it to see its full ARN.", arn)
	}
	if parsed.Kind != api.ResourceService {
		_, err := findLive[struct{}](tx, caller, parsed.Kind, arn)
		return err
	}
	_, err = allow(tx, caller, action, arn)
	return err
}

// maxTags is the limit that AWS has on all resources.
const maxTags = 50

func tooManyTags(n int) error {
	return api.InvalidRequest("The resource would have %d tags; at most %d are allowed. Remove some with UntagResource.", n, maxTags)
}

// checkTags refuses what the model's patterns let through: too many, keys given twice, and on anything but a service the
// keys that are settings.
func checkTags(list []api.Tag) error { return checkAll(list, refuseSetting) }

// checkServiceTags is checkTags for a service, whose settings must be ones that there are.
func checkServiceTags(list []api.Tag) error { return checkAll(list, checkSetting) }

func checkSetting(key, value string) error {
	if err := tags.Check(key, value); err != nil {
		return api.InvalidRequest("%s.", capital(err.Error()))
	}
	return nil
}

func refuseSetting(key, _ string) error {
	if tags.IsSetting(key) {
		return api.InvalidRequest("The tag %s can't be on this resource. Tags that begin with %s are settings, which services alone have; use another key for a tag of your own.", key, tags.Prefix)
	}
	return nil
}

func checkAll(list []api.Tag, check func(key, value string) error) error {
	if len(list) > maxTags {
		return tooManyTags(len(list))
	}
	seen := map[string]bool{}
	for _, tag := range list {
		if tag.Key == nil || tag.Value == nil {
			return api.InvalidRequest("Every tag needs a Key and a Value.")
		}
		if seen[*tag.Key] {
			return api.InvalidRequest("The tag key %s is given twice. Give it once.", *tag.Key)
		}
		if err := check(*tag.Key, *tag.Value); err != nil {
			return err
		}
		seen[*tag.Key] = true
	}
	return nil
}

// capital begins the text as a sentence, unless it begins with the name that is written small.
func capital(text string) string {
	if strings.HasPrefix(text, "apron ") {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

func putTags(tx *store.Tx, arn string, tags []api.Tag) error {
	for _, tag := range tags {
		if err := tx.PutTag(arn, *tag.Key, *tag.Value); err != nil {
			return err
		}
	}
	return nil
}
