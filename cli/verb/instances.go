package verb

import (
	"context"
	"fmt"
	"sync"

	"apron/api"
)

// atOnce is how many services a list asks for at a time.
const atOnce = 8

// instancesOf tells of each service how many instances it has, in the order of the list. It is news beside the rest: what can't
// be had is a dash.
func (s *session) instancesOf(ctx context.Context, list []api.ServiceSummary) []string {
	texts := make([]string, len(list))
	room := make(chan struct{}, atOnce)
	var group sync.WaitGroup
	for i, svc := range list {
		room <- struct{}{}
		group.Go(func() {
			defer func() { <-room }()
			texts[i] = s.instances(ctx, deref(svc.ServiceArn), deref(svc.Status))
		})
	}
	group.Wait()
	return texts
}

// instances is how many instances the service has just now.
func (s *session) instances(ctx context.Context, arn string, status api.ServiceStatus) string {
	if status != api.StatusRunning && status != api.StatusOperationInProgress {
		return "-"
	}
	out, err := invoke[api.DescribeServiceUsageResponse](ctx, s, "DescribeServiceUsage", &api.DescribeServiceUsageRequest{ServiceArn: arn})
	if err != nil || out.Usage == nil {
		return "-"
	}
	return count(out.Usage)
}

func count(u *api.ServiceUsage) string {
	switch {
	case u.Idle:
		return "idle"
	case u.InstancesHealthy < u.InstancesWanted:
		return fmt.Sprintf("%d of %d", u.InstancesHealthy, u.InstancesWanted)
	}
	return fmt.Sprint(u.InstancesHealthy)
}
