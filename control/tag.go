package control

import (
	"context"
	"strings"

	"apron/api"
	"apron/store"
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

// TagResource adds tags to a resource or overwrites their values.
func (c *Control) TagResource(ctx context.Context, caller api.Caller, in *api.TagResourceRequest) (*api.TagResourceResponse, error) {
	if err := c.ensureDefault(ctx, caller); err != nil {
		return nil, err
	}
	if err := checkTags(in.Tags); err != nil {
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
	return &api.UntagResourceResponse{}, nil
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

// checkTags refuses what the model's patterns let through: too many, keys given twice, and keys that would be
// instructions to apron that this version does not know.
func checkTags(tags []api.Tag) error {
	if len(tags) > maxTags {
		return tooManyTags(len(tags))
	}
	seen := map[string]bool{}
	for _, tag := range tags {
		if tag.Key == nil || tag.Value == nil {
			return api.InvalidRequest("Every tag needs a Key and a Value.")
		}
		if seen[*tag.Key] {
			return api.InvalidRequest("The tag key %s is given twice. Give it once.", *tag.Key)
		}
		if strings.HasPrefix(*tag.Key, "apron:") {
			return api.InvalidRequest("apron does not know the tag %s. Tags that begin with apron: are settings; use another key for a tag of your own.", *tag.Key)
		}
		seen[*tag.Key] = true
	}
	return nil
}

func putTags(tx *store.Tx, arn string, tags []api.Tag) error {
	for _, tag := range tags {
		if err := tx.PutTag(arn, *tag.Key, *tag.Value); err != nil {
			return err
		}
	}
	return nil
}
