package main

import (
	"context"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"apron/cli/complete"
)

// completedLine answers a shell that completes a line by running this program, and reports whether one did.
func completedLine(args []string) bool {
	if os.Getenv("COMP_LINE") == "" && os.Getenv("COMMAND_LINE") == "" { // most runs, which are to cost no more for this
		return false
	}
	return awsProgram(args).Complete(context.Background())
}

// awsNames are the commands that awsLine takes from the others.
var awsNames = []string{"apprunner", "apron", "aws"}

// awsCommands stand for those commands where a completion script asks how their lines go on. They are hidden because
// they are never run, and because their help is `apron apprunner help`.
func awsCommands() (list []*cobra.Command) {
	for _, name := range awsNames {
		list = append(list, &cobra.Command{
			Use: name, Hidden: true, DisableFlagParsing: true, Run: func(*cobra.Command, []string) {},
			ValidArgsFunction: func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
				if name != "aws" {
					args = append([]string{name}, args...)
				}
				return suggested(awsProgram(nil).Suggest(cmd.Context(), args, begun))
			},
		})
	}
	return list
}

// suggested is what cobra's scripts read: words with their meanings, and that no files are to be added.
func suggested(list []complete.Suggestion) (words []string, directive cobra.ShellCompDirective) {
	directive = cobra.ShellCompDirectiveNoFileComp
	for _, s := range list {
		if strings.HasSuffix(s.Word, "/") { // a directory, whose files may follow
			directive |= cobra.ShellCompDirectiveNoSpace
		}
		words = append(words, cobra.CompletionWithDesc(s.Word, s.Doc))
	}
	return words, directive
}

// completeAWSNames offers those commands beside the others, though they are hidden.
func completeAWSNames(_ *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	var names []string
	for _, name := range awsNames {
		if len(args) == 0 && strings.HasPrefix(name, begun) {
			names = append(names, name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
