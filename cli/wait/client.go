package wait

import (
	"context"
	"errors"

	"apron/api"
	"apron/awsjson"
)

// From is the platform, or App Runner itself, as seen through a client.
func From(c *awsjson.Client) Source { return client{c} }

type client struct{ *awsjson.Client }

func (c client) Service(ctx context.Context, arn string) (*api.Service, error) {
	out, err := awsjson.Call[api.DescribeServiceRequest, api.DescribeServiceResponse](ctx, c.Client, "DescribeService",
		&api.DescribeServiceRequest{ServiceArn: arn})
	if err != nil {
		return nil, err
	}
	return out.Service, nil
}

// Operation asks for the newest one by the list, which names it, and for all that there is to know of it by its id.
func (c client) Operation(ctx context.Context, arn, id string) (*api.Operation, error) {
	if id == "" {
		newest, err := c.listed(ctx, arn, "")
		if err != nil || newest == nil {
			return nil, err
		}
		id = newest.Id
	}
	out, err := awsjson.Call[api.DescribeOperationRequest, api.DescribeOperationResponse](ctx, c.Client, "DescribeOperation",
		&api.DescribeOperationRequest{ServiceArn: arn, OperationId: id})
	if refused, ok := errors.AsType[*awsjson.APIError](err); ok && refused.Code == "UnknownOperationException" {
		return c.listed(ctx, arn, id) // AWS has no such action
	}
	if err != nil {
		return nil, err
	}
	return out.Operation, nil
}

// listed finds the operation, or with id "" the newest one, among those that ListOperations shows. It returns nil when it
// is not there.
func (c client) listed(ctx context.Context, arn, id string) (*api.Operation, error) {
	in := &api.ListOperationsRequest{ServiceArn: arn}
	if id == "" {
		in.MaxResults = new(1)
	}
	for {
		out, err := awsjson.Call[api.ListOperationsRequest, api.ListOperationsResponse](ctx, c.Client, "ListOperations", in)
		if err != nil {
			return nil, err
		}
		for _, s := range out.OperationSummaryList {
			if id == "" || deref(s.Id) == id {
				return summarized(s), nil
			}
		}
		if out.NextToken == nil {
			return nil, nil
		}
		in.NextToken = out.NextToken
	}
}

// summarized is an operation without its steps and its reason.
func summarized(s api.OperationSummary) *api.Operation {
	return &api.Operation{
		Id: deref(s.Id), Type: deref(s.Type), Status: deref(s.Status), TargetArn: deref(s.TargetArn),
		StartedAt: deref(s.StartedAt), EndedAt: s.EndedAt, UpdatedAt: deref(s.UpdatedAt),
	}
}
