package telemetry

import (
	"bytes"
	"io"
	"strconv"
	"strings"
)

// contentType is that of Prometheus's text format, which every version of it reads.
const contentType = "text/plain; version=0.0.4; charset=utf-8"

// exposition is one answer to Prometheus in the making: the samples of each family, which must stand together.
type exposition struct {
	order    []*family
	families map[*family]*bytes.Buffer
}

// add adds a sample. labels are the values of the family's own labels, and svc whose figure it is.
func (e *exposition) add(f *family, svc Service, value float64, labels ...string) {
	e.sample(f, svc, "", "", value, labels)
}

// sample adds one line; suffix and le are those of a histogram's parts.
func (e *exposition) sample(f *family, svc Service, suffix, le string, value float64, labels []string) {
	b := e.family(f)
	b.WriteString(f.name + suffix)
	open := "{"
	label := func(name, value string) {
		b.WriteString(open + name + `="` + escapeLabel(value) + `"`)
		open = ","
	}
	for i, name := range f.labels {
		if labels[i] != "" {
			label(name, labels[i])
		}
	}
	if !f.ofMachine {
		label("service", svc.Name)
		label("service_id", svc.ID)
		label("account", svc.Account)
		label("region", svc.Region)
	}
	if f.cloudwatch != "" {
		label(cloudwatchLabel, f.cloudwatch)
	}
	if le != "" {
		label("le", le)
	}
	if open == "," {
		b.WriteByte('}')
	}
	b.WriteString(" " + strconv.FormatFloat(value, 'g', -1, 64) + "\n")
}

func (e *exposition) family(f *family) *bytes.Buffer {
	b := e.families[f]
	if b == nil {
		b = &bytes.Buffer{}
		b.WriteString("# HELP " + f.name + " " + f.help + "\n# TYPE " + f.name + " " + f.kind + "\n")
		if e.families == nil {
			e.families = map[*family]*bytes.Buffer{}
		}
		e.families[f] = b
		e.order = append(e.order, f)
	}
	return b
}

var labelEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

func escapeLabel(value string) string {
	return labelEscapes.Replace(strings.ToValidUTF8(value, "\ufffd"))
}

// histogram adds the lines of a histogram: how many were at most so long, for each bound, the sum and the number.
func (e *exposition) histogram(f *family, svc Service, h *histogram) {
	total := uint64(0)
	for i, bound := range latencyBounds {
		total += h.buckets[i]
		e.sample(f, svc, "_bucket", strconv.FormatFloat(bound, 'g', -1, 64), float64(total), nil)
	}
	e.sample(f, svc, "_bucket", "+Inf", float64(h.count), nil)
	e.sample(f, svc, "_sum", "", h.sum.Seconds(), nil)
	e.sample(f, svc, "_count", "", float64(h.count), nil)
}

// WriteTo writes the families in the order in which they were met.
func (e *exposition) WriteTo(w io.Writer) (n int64, err error) {
	for _, f := range e.order {
		m, err := e.families[f].WriteTo(w)
		if n += m; err != nil {
			return n, err
		}
	}
	return n, nil
}
