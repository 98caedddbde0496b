package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"apron/awsjson"
	"apron/cli/argparse"
	"apron/cli/document"
	"apron/cli/output"
	"apron/cli/param"
	"apron/cli/profile"
	"apron/cli/yaml"
)

// paramError is a command line that cannot be meant.
type paramError string

func (e paramError) Error() string { return string(e) }

// aliasError is an alias that cannot be meant.
type aliasError string

func (e aliasError) Error() string { return string(e) }

// report says on stderr what went wrong, in the form of AWS's CLI, and returns the exit code that belongs to it.
func (r *run) report(ctx context.Context, err error) int {
	r.trace.printf("awscli.clidriver", "Exception caught in main()\n%v", err)
	if interrupted(ctx, err) {
		fmt.Fprintln(r.Stdout)
		return exitInterrupted
	}
	code := codeOf(err)
	var stderr io.Writer = r.Stderr
	if r.colored {
		stderr = output.Resetting(stderr)
	}
	for _, piece := range []string{"\n", document.Escaped(explained(err)), "\n"} {
		io.WriteString(stderr, piece)
	}
	return code
}

func interrupted(ctx context.Context, err error) bool {
	return ctx.Err() != nil && errors.Is(err, ctx.Err())
}

func codeOf(err error) int {
	switch {
	case is[paramError](err), is[*argparse.Error](err), is[*param.Error](err), is[*yaml.SyntaxError](err), is[*profile.RoleError](err):
		return exitParam
	case is[*profile.SettingError](err), is[*profile.NoRegionError](err), is[*profile.NoCredentialsError](err), is[*output.PagerError](err):
		return exitConfig
	case is[*awsjson.APIError](err), is[*profile.ServiceError](err):
		return exitService
	}
	return exitGeneral
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// explained is the error's text with what AWS's CLI adds for what people meet first.
func explained(err error) string {
	switch {
	case is[*profile.NoRegionError](err):
		return err.Error() + ` You can also configure your region by running "aws configure".`
	case is[*profile.NoCredentialsError](err):
		return err.Error() + `. You can configure credentials by running "aws configure".`
	case is[*output.PagerError](err):
		return fmt.Sprintf("Unable to redirect output to pager. Received the following error when opening pager:\n%v\n\nLearn more about configuring the output pager by running \"aws help config-vars\".", err)
	}
	return err.Error()
}
