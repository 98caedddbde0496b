package main

import (
	"fmt"
	"math/rand/v2"

	"apron/cli/document"
	"apron/cli/model"
)

// trial is one argument list and what the server answers to it.
type trial struct {
	number uint64
	args   []string
	status int
	reply  string
}

// draw draws one trial. Equal seeds and numbers draw equal trials, whatever was drawn before.
type draw struct {
	*rand.Rand
	number  uint64
	service *model.Service
}

func newDraw(s *model.Service, seed, number uint64) *draw {
	return &draw{Rand: rand.New(rand.NewPCG(seed, number)), number: number, service: s}
}

func (d *draw) chance(percent int) bool { return d.IntN(100) < percent }

func pick[T any](d *draw, of []T) T { return of[d.IntN(len(of))] }

// trial takes the operations in turn, so that a run of 37 has every one.
func (d *draw) trial() trial {
	op := d.service.Operations[d.number%uint64(len(d.service.Operations))]
	t := trial{number: d.number, status: 200}
	args := append([]string{"apprunner", op.CLIName}, d.options(op)...)
	args = append(args, d.globals()...)
	t.args = d.spoil(args)
	t.reply = document.JSON(d.value(op.Output, 0), 0, true)
	if d.chance(10) {
		t.status, t.reply = 400, pick(d, refusals)
	}
	return t
}

var refusals = []string{
	`{"__type":"InvalidRequestException","Message":"no"}`,
	`{"__type":"com.amazonaws.apprunner#ResourceNotFoundException","message":"gone, gone"}`,
	`{"code":"InvalidStateException"}`,
	`{}`,
	`not JSON`,
}

// options are the operation's own: nearly all that it requires and some of the others.
func (d *draw) options(op *model.Operation) []string {
	var args []string
	for _, m := range op.Input.Members {
		share := 35
		if op.Input.IsRequired(m.Name) {
			share = 93
		}
		if d.chance(share) {
			args = append(args, d.option(m)...)
		}
	}
	switch d.IntN(40) {
	case 0:
		args = append(args, "--generate-cli-skeleton")
	case 1:
		args = append(args, "--generate-cli-skeleton", pick(d, []string{"input", "output", "yaml-input", "json"}))
	case 2:
		args = append(args, "--cli-input-json", document.JSON(d.value(op.Input, 0), 0, true))
	case 3:
		args = append(args, "--cli-input-json", pick(d, []string{"{", "[]", "1", `{"Nope":1}`}))
	case 4:
		args = append(args, "--cli-input-yaml", document.JSON(d.value(op.Input, 0), 0, false))
	}
	return args
}

func (d *draw) option(m model.Member) []string {
	name := "--" + model.Hyphenate(m.Name)
	if m.Shape.Type == "boolean" {
		if d.chance(40) {
			return []string{"--no-" + name[2:]}
		}
		return []string{name}
	}
	words := d.words(m.Shape)
	if len(words) == 1 && d.chance(15) {
		return []string{name + "=" + words[0]}
	}
	return append([]string{name}, words...)
}

// globals always name the stub; the contest puts its address in.
func (d *draw) globals() []string {
	args := []string{"--endpoint-url", endpoint}
	if d.chance(60) {
		args = append(args, "--output", pick(d, []string{"json", "text", "table", "yaml", "yaml-stream"}))
	}
	if d.chance(25) {
		args = append(args, "--query", pick(d, queries))
	}
	if d.chance(10) {
		args = append(args, "--color", pick(d, []string{"on", "off", "auto"}))
	}
	if d.chance(20) {
		args = append(args, pick(d, rareGlobals)...)
	}
	return args
}

var queries = []string{
	"Service.Status", "Service", "OperationId", "*", "keys(@)", "values(@)", "length(@)", "Service.{Arn:ServiceArn,Id:ServiceId}", "[Service.ServiceName, NextToken]",
	"ServiceSummaryList[].ServiceName", "*[].*", "*[0]", "Tags[?Key=='a'].Value | [0]", "to_string(@)", "sort_by(OperationSummaryList, &Id)[].Type", "@", "Service.[", "nope(@)",
}

var rareGlobals = [][]string{
	{"--no-paginate"}, {"--no-cli-pager"}, {"--region", "eu-west-1"}, {"--no-sign-request"}, {"--no-verify-ssl"}, {"--cli-read-timeout", "5"},
	{"--cli-connect-timeout", "0"}, {"--cli-binary-format", "raw-in-base64-out"}, {"--output", "xml"}, {"--color", "red"}, {"--region", "bad region"}, {"--no-cli-auto-prompt"},
	{"--cli-read-timeout", "x"}, {"--profile", "nobody"}, {"--output"},
}

// spoil does to some lists what people do to theirs.
func (d *draw) spoil(args []string) []string {
	if !d.chance(25) {
		return args
	}
	i := 2 + d.IntN(len(args)-2)
	switch d.IntN(6) {
	case 0: // a word too many
		return append(args[:i:i], append([]string{pick(d, []string{"extra", "-x", "--nope", "", "--", "help", "--service"})}, args[i:]...)...)
	case 1: // a word too few
		return append(args[:i:i], args[i+1:]...)
	case 2: // abbreviated, or misspelt
		if len(args[i]) > 6 {
			args[i] = args[i][:len(args[i])-1-d.IntN(4)]
		}
	case 3:
		args[1] = pick(d, []string{"pause-servic", "zzz", "describe-service", "list-service", "help-me"})
	case 4: // said twice
		return append(args, args[i])
	case 5: // the globals first
		return append(append([]string{args[0]}, args[2:]...), args[1])
	}
	return args
}

func (d *draw) name(prefix string) string { return fmt.Sprintf("%s%d", prefix, d.IntN(100)) }
