package complete

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"apron/cli/document"
)

// source is a list of the server that holds values of a member.
type source struct {
	action string
	list   string // the output's member
	value  string // the member of its elements, or several in a path: Service.ServiceArn
	about  string // the member of its elements that tells a reader more
	needs  string // the member that the action cannot do without, taken from the same line
}

// sources has, for each member that names a resource, the lists that hold such.
func sources(member string) []source {
	services := source{"ListServices", "ServiceSummaryList", "ServiceArn", "Status", ""}
	scalings := source{"ListAutoScalingConfigurations", "AutoScalingConfigurationSummaryList", "AutoScalingConfigurationArn", "Status", ""}
	observabilities := source{"ListObservabilityConfigurations", "ObservabilityConfigurationSummaryList", "ObservabilityConfigurationArn", "", ""}
	connections := source{"ListConnections", "ConnectionSummaryList", "ConnectionArn", "Status", ""}
	connectors := source{"ListVpcConnectors", "VpcConnectors", "VpcConnectorArn", "Status", ""}
	ingresses := source{"ListVpcIngressConnections", "VpcIngressConnectionSummaryList", "VpcIngressConnectionArn", "", ""}
	switch member {
	case "ServiceArn":
		return []source{services}
	case "AutoScalingConfigurationArn":
		return []source{scalings}
	case "ObservabilityConfigurationArn":
		return []source{observabilities}
	case "ConnectionArn":
		return []source{connections}
	case "VpcConnectorArn":
		return []source{connectors}
	case "VpcIngressConnectionArn":
		return []source{ingresses}
	case "ResourceArn":
		return []source{services, scalings, observabilities, connections, connectors, ingresses}
	}
	return moreSources(member)
}

// moreSources has those that are no ARNs.
func moreSources(member string) []source {
	switch member {
	case "AutoScalingConfigurationName":
		return []source{{"ListAutoScalingConfigurations", "AutoScalingConfigurationSummaryList", member, "", ""}}
	case "ObservabilityConfigurationName":
		return []source{{"ListObservabilityConfigurations", "ObservabilityConfigurationSummaryList", member, "", ""}}
	case "ConnectionName":
		return []source{{"ListConnections", "ConnectionSummaryList", member, "Status", ""}}
	case "DomainName":
		return []source{{"DescribeCustomDomains", "CustomDomains", member, "Status", "ServiceArn"}}
	case "OperationId":
		return []source{{"ListOperations", "OperationSummaryList", "Id", "Type", "ServiceArn"}}
	case "TagKeys":
		return []source{{"ListTagsForResource", "Tags", "Key", "Value", "ResourceArn"}}
	}
	return nil
}

// resources are those that the member may name. What was learned for one place of a line is kept, as a prompt asks again
// at each key.
func (c *Completer) resources(ctx context.Context, l *line, member string) []Suggestion {
	if c.Call == nil || l.operation == nil || names(l.operation.Name, member) {
		return nil
	}
	key := l.before + "\n" + member
	c.mu.Lock()
	defer c.mu.Unlock()
	if all, ok := c.cache[key]; ok {
		return slices.Clone(all)
	}
	all := c.ask(ctx, l, sources(member))
	if c.cache == nil {
		c.cache = map[string][]Suggestion{}
	}
	c.cache[key] = all
	return slices.Clone(all)
}

// names reports whether the operation gives the member to something new, so that those that exist are no help.
func names(operation, member string) bool {
	return (strings.HasPrefix(operation, "Create") || strings.HasPrefix(operation, "Associate")) && strings.HasSuffix(member, "Name")
}

// ask asks all sources at once and returns what answered in time.
func (c *Completer) ask(ctx context.Context, l *line, from []source) []Suggestion {
	limit := c.Timeout
	if limit == 0 {
		limit = time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	found := make([][]Suggestion, len(from))
	var asked sync.WaitGroup
	for i, s := range from {
		asked.Go(func() { found[i] = c.list(ctx, l, s) })
	}
	asked.Wait()
	return slices.Concat(found...)
}

// list reads the pages of one list for as long as the context lasts.
func (c *Completer) list(ctx context.Context, l *line, s source) (all []Suggestion) {
	input := document.NewMap()
	if s.needs != "" {
		value, ok := l.value(s.needs)
		if !ok {
			return nil
		}
		input.Set(s.needs, value)
	}
	options := c.globals(l)
	for ctx.Err() == nil {
		output, err := c.Call(ctx, maps.Clone(options), s.action, input)
		if err != nil || output == nil {
			return all
		}
		all = append(all, s.read(output)...)
		token, ok := output.Get("NextToken")
		if text, isText := token.(string); !ok || !isText || text == "" {
			return all
		}
		input.Set("NextToken", token)
	}
	return all
}

// read returns what one page holds.
func (s source) read(output *document.Map) (all []Suggestion) {
	list, _ := output.Get(s.list)
	elems, _ := list.([]any)
	for _, e := range elems {
		if m, ok := e.(*document.Map); ok {
			if word := text(m, s.value); word != "" {
				all = append(all, Suggestion{Word: word, Doc: text(m, s.about)})
			}
		}
	}
	return all
}

func text(m *document.Map, member string) string {
	value, _ := m.Get(member)
	s, _ := value.(string)
	return s
}

// value returns what the line gives the member of that name.
func (l *line) value(member string) (string, bool) {
	for _, o := range operationOptions(l.operation) {
		if values := l.given[o.name]; o.member == member && len(values) > 0 {
			return values[0], true
		}
	}
	return "", false
}
