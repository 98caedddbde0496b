package main

import (
	"context"
	"io"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"

	"apron/cli"
)

// awsLine tells a command line for AWS's CLI from the others, and returns it without what says so: `apron aws ...`,
// `apron apprunner ...` and `apron apron ...`, whose command is an API's name, and whatever a program or link named aws
// is given.
func awsLine(args []string) ([]string, bool) {
	switch {
	case filepath.Base(args[0]) == "aws":
		return args[1:], true
	case len(args) < 2:
		return nil, false
	case args[1] == "aws":
		return args[2:], true
	case slices.Contains(awsNames, args[1]):
		return args[1:], true
	}
	return nil, false
}

// runAWS runs the command line that scripts know. It is apart from the other commands, so that it starts as fast as it can.
func runAWS(args []string) int {
	runtime.UnlockOSThread() // which an instance's process needs: a client would change threads with each answer it waits for
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return awsProgram(args).Run(ctx)
}

// awsProgram is that command line, alone in its process.
func awsProgram(args []string) *cli.Program {
	log.SetOutput(io.Discard) // package net/http tells it what it thinks of servers; stderr is for what scripts read
	return &cli.Program{
		Args: args, LookupEnv: os.LookupEnv, Environ: os.Environ, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Version: version(),
	}
}
