package verb

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"apron/api"
	"apron/cli/progress"
)

func topCommand(cfg *Config) *cobra.Command {
	var f flags
	var every time.Duration
	var once bool
	cmd := &cobra.Command{
		Use: "top [NAME]", Short: "Show what services use of the machine just now", Args: cobra.MaximumNArgs(1),
		Long: "Show the instances of a service, or of all of them, with the CPU and the memory that they use, and how many requests there\n" +
			"are. On a terminal it goes on until Ctrl-C.",
		ValidArgsFunction: completeNames(cfg, &f),
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		s, err := cfg.connect(cmd, &f)
		if err != nil {
			return err
		}
		t := &top{session: s, name: args, every: every}
		return t.run(cmd.Context(), once || s.json || !progress.New(s.out).Redraws())
	}
	cmd.Flags().DurationVar(&every, "interval", 2*time.Second, "how often to look")
	cmd.Flags().BoolVar(&once, "once", false, "look once, as is done anyway where the output is no terminal")
	f.connection(cmd, cfg)
	f.output(cmd)
	return cmd
}

// top looks at services again and again; CPU use is what has been used since the look before.
type top struct {
	*session
	name   []string // one, or none for all
	every  time.Duration
	before map[string]measured
}

// measured is the CPU time that an instance had used at a moment.
type measured struct {
	nanoseconds int
	at          time.Time
}

// usage is what one service uses.
type usage struct {
	name string
	*api.ServiceUsage
}

// firstInterval is how long the first figures of CPU use are measured.
const firstInterval = 500 * time.Millisecond

func (t *top) run(ctx context.Context, once bool) error {
	list, err := t.look(ctx)
	if err != nil {
		return err
	}
	if t.json {
		return t.printAll(list)
	}
	for pause := min(firstInterval, t.every); ; pause = t.every {
		t.remember(list)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		if list, err = t.look(ctx); err != nil {
			return err
		}
		if !once {
			fmt.Fprint(t.out, "\x1b[H\x1b[J") // to the top, and all below away
		}
		if err := t.draw(list); err != nil || once {
			return err
		}
	}
}

func (t *top) look(ctx context.Context) ([]usage, error) {
	targets, err := t.targets(ctx)
	if err != nil {
		return nil, err
	}
	var list []usage
	for _, target := range targets {
		out, err := invoke[api.DescribeServiceUsageResponse](ctx, t.session, "DescribeServiceUsage", &api.DescribeServiceUsageRequest{ServiceArn: target.arn})
		if isRefusal(err, "ResourceNotFoundException") && len(t.name) == 0 {
			continue // it was deleted just now
		}
		if err != nil {
			return nil, err
		}
		list = append(list, usage{target.name, out.Usage})
	}
	return list, nil
}

func (t *top) targets(ctx context.Context) (targets []target, err error) {
	if len(t.name) > 0 {
		one, err := t.find(ctx, t.name[0])
		return []target{one}, err
	}
	list, err := t.services(ctx)
	for _, svc := range list {
		targets = append(targets, target{arn: deref(svc.ServiceArn), name: deref(svc.ServiceName)})
	}
	return targets, err
}

func (t *top) printAll(list []usage) error {
	if len(t.name) > 0 {
		return t.print(struct{ Usage *api.ServiceUsage }{list[0].ServiceUsage})
	}
	all := struct{ UsageList []*api.ServiceUsage }{[]*api.ServiceUsage{}}
	for _, u := range list {
		all.UsageList = append(all.UsageList, u.ServiceUsage)
	}
	return t.print(all)
}

func (t *top) draw(list []usage) error {
	table := t.table("SERVICE", "INSTANCE", "STATUS", "AGE", "CPU", "MEMORY", "LIMIT", "REQUESTS", "SERVED", "ERRORS")
	for _, u := range list {
		requests := []string{fmt.Sprint(u.RequestsInFlight), fmt.Sprint(u.RequestsTotal), fmt.Sprint(u.ServerErrorsTotal)}
		if len(u.Instances) == 0 {
			table.row(append([]string{u.name, "-", none(u.ServiceUsage), "-", "-", "-", "-"}, requests...)...)
		}
		for i, instance := range u.Instances {
			name := u.name
			if i > 0 {
				name, requests = "", nil // they are the service's, not the instance's
			}
			table.row(append([]string{name, fmt.Sprintf("%.12s", instance.InstanceId), string(instance.Status), age(instance),
				t.cpu(instance, u.MeasuredAt.Time), megabytes(instance.MemoryBytes), megabytes(instance.MemoryLimitBytes)}, requests...)...)
		}
	}
	return table.Flush()
}

// none says why there is no instance.
func none(u *api.ServiceUsage) string {
	if u.Idle {
		return "IDLE" // as a status is written
	}
	return "-"
}

func age(i api.InstanceUsage) string {
	if i.StartedAt == nil {
		return "-"
	}
	return progress.Short(time.Since(i.StartedAt.Time))
}

// cpu is the share of one processor that the instance has used since the look before.
func (t *top) cpu(i api.InstanceUsage, now time.Time) string {
	before, ok := t.before[i.InstanceId]
	elapsed := now.Sub(before.at)
	if !ok || elapsed <= 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f%%", 100*float64(i.CpuNanoseconds-before.nanoseconds)/float64(elapsed))
}

func (t *top) remember(list []usage) {
	t.before = map[string]measured{}
	for _, u := range list {
		for _, i := range u.Instances {
			t.before[i.InstanceId] = measured{i.CpuNanoseconds, u.MeasuredAt.Time}
		}
	}
}

func megabytes(n int) string { return fmt.Sprintf("%.1fM", float64(n)/(1<<20)) }
