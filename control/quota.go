package control

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"apron/api"
)

// Quotas are how many of each kind an account may have in a region (App Runner API reference, section 2.3).
type Quotas struct {
	Services                        int // those that are not deleted, CREATE_FAILED ones included
	Connections                     int
	AutoScalingConfigurations       int // names
	AutoScalingRevisions            int // of a name
	ObservabilityConfigurations     int // names
	ObservabilityRevisions          int // of a name
	VpcConnectors                   int
	VpcIngressConnectionsPerService int
	CustomDomainsPerService         int
	InstancesPerService             int // the highest MaxSize
}

// DefaultQuotas are App Runner's.
func DefaultQuotas() Quotas {
	return Quotas{
		Services:                        30,
		Connections:                     10,
		AutoScalingConfigurations:       10,
		AutoScalingRevisions:            5,
		ObservabilityConfigurations:     10,
		ObservabilityRevisions:          10,
		VpcConnectors:                   10,
		VpcIngressConnectionsPerService: 1,
		CustomDomainsPerService:         5,
		InstancesPerService:             25,
	}
}

// quotaName is what an operator calls a quota, and where it stands.
type quotaName struct {
	name  string
	value *int
}

func (q *Quotas) names() []quotaName {
	return []quotaName{
		{"services", &q.Services},
		{"connections", &q.Connections},
		{"auto-scaling-configurations", &q.AutoScalingConfigurations},
		{"auto-scaling-revisions", &q.AutoScalingRevisions},
		{"observability-configurations", &q.ObservabilityConfigurations},
		{"observability-revisions", &q.ObservabilityRevisions},
		{"vpc-connectors", &q.VpcConnectors},
		{"vpc-ingress-connections-per-service", &q.VpcIngressConnectionsPerService},
		{"custom-domains-per-service", &q.CustomDomainsPerService},
		{"instances-per-service", &q.InstancesPerService},
	}
}

// Set reads quotas such as "services=100,connections=20"; those that are not named stay. It changes nothing when it
// returns an error.
func (q *Quotas) Set(text string) error {
	changed := *q
	for part := range strings.SplitSeq(text, ",") {
		if err := changed.set(strings.TrimSpace(part)); err != nil {
			return err
		}
	}
	*q = changed
	return nil
}

func (q *Quotas) set(part string) error {
	name, number, _ := strings.Cut(part, "=")
	names := q.names()
	i := slices.IndexFunc(names, func(n quotaName) bool { return n.name == name })
	if i < 0 {
		var known []string
		for _, n := range names {
			known = append(known, n.name)
		}
		return fmt.Errorf("%q is no quota; the quotas are %s", name, strings.Join(known, ", "))
	}
	n, err := strconv.ParseUint(number, 10, 31)
	if err != nil {
		return fmt.Errorf("quota %s: %q is not a number; write it as %s=100", name, number, name)
	}
	*names[i].value = int(n)
	return nil
}

// String lists all quotas in the form that Set reads.
func (q *Quotas) String() string {
	var parts []string
	for _, n := range q.names() {
		parts = append(parts, n.name+"="+strconv.Itoa(*n.value))
	}
	return strings.Join(parts, ",")
}

// Type names the form of the value in a command's help.
func (q *Quotas) Type() string { return "NAME=N" }

// underQuota refuses one more when there are as many as name, one of the quotas' names, allows. of says of what there are
// so many, such as "services in us-east-1".
func (c *Control) underQuota(name string, have int, of string) error {
	q := c.cfg.Quotas
	for _, n := range q.names() {
		if n.name == name && have >= *n.value {
			return api.QuotaExceeded("There are %d %s already, as many as the quota allows. Delete one that is not needed, or start the server with --quota %s=%d.",
				have, of, name, have+1)
		}
	}
	return nil
}
