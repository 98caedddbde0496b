package verb

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"apron/api"
	"apron/spelling"
)

// services lists all of the account's services in the region.
func (s *session) services(ctx context.Context) ([]api.ServiceSummary, error) {
	list := []api.ServiceSummary{} // so that --json prints [] for none
	for in := new(api.ListServicesRequest); ; {
		out, err := invoke[api.ListServicesResponse](ctx, s, "ListServices", in)
		if err != nil {
			return nil, err
		}
		list = append(list, out.ServiceSummaryList...)
		if out.NextToken == nil {
			return list, nil
		}
		in.NextToken = out.NextToken
	}
}

// unknownService says that no service has the name.
type unknownService struct {
	name  string
	close []string
}

func (e unknownService) Error() string {
	hint := "`apron ps` lists those that there are"
	if len(e.close) > 0 {
		hint = "did you mean " + strings.Join(e.close, " or ") + "? " + hint
	}
	return fmt.Sprintf("no service named %s; %s", e.name, hint)
}

// find returns the service of that name or ARN.
func (s *session) find(ctx context.Context, name string) (target, error) {
	if strings.HasPrefix(name, "arn:") {
		arn, err := api.ParseARN(name, api.ResourceService)
		return target{arn: name, name: arn.Name}, err
	}
	list, err := s.services(ctx)
	if err != nil {
		return target{}, err
	}
	var found, names []string
	for _, svc := range list {
		names = append(names, deref(svc.ServiceName))
		if deref(svc.ServiceName) == name {
			found = append(found, deref(svc.ServiceArn))
		}
	}
	switch len(found) {
	case 0:
		return target{}, unknownService{name, closeTo(name, names)}
	case 1:
		return target{arn: found[0], name: name}, nil
	}
	return target{}, fmt.Errorf("%s is the name of %d services; name one by its ARN: %s", name, len(found), strings.Join(found, ", "))
}

// target is the service that a verb is about.
type target struct{ arn, name string }

// closeTo picks the names that somebody may have meant, at most three, the closest first.
func closeTo(name string, names []string) []string {
	distances := map[string]int{}
	for _, n := range names {
		d := spelling.Distance(strings.ToLower(name), strings.ToLower(n))
		if strings.HasPrefix(strings.ToLower(n), strings.ToLower(name)) {
			d = min(d, 2)
		}
		if d <= 2 || d <= len(name)/3 {
			distances[n] = d
		}
	}
	var near []string
	for n := range distances {
		near = append(near, n)
	}
	slices.SortFunc(near, func(a, b string) int {
		if d := distances[a] - distances[b]; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	return near[:min(len(near), 3)]
}

func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
