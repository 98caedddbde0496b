// Package man writes manual pages of a cobra command and all those below it, for the packages of distributions. Cobra's
// own generator goes by way of Markdown, and the parser of that costs every start of the program a millisecond: more than
// all of the program's own commands. This one knows what apron's help texts are made of and nothing else.
package man

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Command is `apron man`, which writes the pages of the program that it is part of; version is the program's.
func Command(version func() string) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use: "man --dir DIR", Short: "Write the manual pages of all commands into a directory",
		Long:    "Write the manual pages of all commands, of section 1, into a directory, which is made when it is missing.",
		Example: "  apron man --dir /usr/local/share/man/man1", Args: cobra.NoArgs,
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("make directory of manual pages: %w", err)
		}
		return writeTree(dir, cmd.Root(), version())
	}
	cmd.Flags().StringVar(&dir, "dir", "", "where to write them")
	_ = cmd.MarkFlagRequired("dir") // it is there
	return cmd
}

func writeTree(dir string, cmd *cobra.Command, version string) error {
	f, err := os.Create(filepath.Join(dir, name(cmd)+".1"))
	if err != nil {
		return fmt.Errorf("write manual page: %w", err)
	}
	err = Write(f, cmd, version)
	if closed := f.Close(); err == nil {
		err = closed
	}
	for _, child := range children(cmd) {
		if err == nil {
			err = writeTree(dir, child, version)
		}
	}
	return err
}

// Write writes the page of one command, in the man macros.
func Write(w io.Writer, cmd *cobra.Command, version string) error {
	cmd.InitDefaultHelpFlag()
	p := &page{}
	p.line(".TH %s 1 \"\" \"%s %s\" \"User Commands\"", strings.ToUpper(escape(name(cmd))), cmd.Root().Name(), escape(version))
	p.section("NAME")
	p.line("%s \\- %s", escape(name(cmd)), escape(cmd.Short))
	p.section("SYNOPSIS")
	p.line("\\fB%s\\fR%s", escape(cmd.CommandPath()), escape(strings.TrimPrefix(cmd.UseLine(), cmd.CommandPath())))
	if text := strings.TrimSpace(cmd.Long); text != "" {
		p.section("DESCRIPTION")
		p.text(text)
	}
	p.options("OPTIONS", cmd.NonInheritedFlags())
	p.options("OPTIONS OF ALL COMMANDS", cmd.InheritedFlags())
	if cmd.Example != "" {
		p.section("EXAMPLES")
		p.line(".nf")
		p.text(cmd.Example)
		p.line(".fi")
	}
	p.related(cmd)
	_, err := io.WriteString(w, p.String())
	return err
}

// name is a page's: apron-key-create.
func name(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// children are the commands that have pages.
func children(cmd *cobra.Command) (list []*cobra.Command) {
	for _, child := range cmd.Commands() {
		if child.IsAvailableCommand() {
			list = append(list, child)
		}
	}
	return list
}

type page struct{ strings.Builder }

func (p *page) line(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

func (p *page) section(title string) { p.line(".SH %s", title) }

// text writes lines as they are; an empty one begins a paragraph.
func (p *page) text(text string) {
	for line := range strings.SplitSeq(text, "\n") {
		if line == "" {
			p.line(".PP")
			continue
		}
		p.line("%s", escape(line))
	}
}

func (p *page) options(title string, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	p.section(title)
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		kind, usage := pflag.UnquoteUsage(f)
		p.line(".TP")
		short := ""
		if f.Shorthand != "" {
			short = fmt.Sprintf("\\fB\\-%s\\fR, ", f.Shorthand)
		}
		p.line("%s\\fB\\-\\-%s\\fR %s", short, escape(f.Name), italic(kind))
		p.line("%s", escape(usage))
	})
}

func italic(text string) string {
	if text == "" {
		return ""
	}
	return "\\fI" + escape(text) + "\\fR"
}

// related names the command above, and those below.
func (p *page) related(cmd *cobra.Command) {
	var names []string
	if cmd.HasParent() {
		names = append(names, name(cmd.Parent()))
	}
	for _, child := range children(cmd) {
		names = append(names, name(child))
	}
	if len(names) == 0 {
		return
	}
	p.section("SEE ALSO")
	for i, n := range names {
		comma := ","
		if i == len(names)-1 {
			comma = ""
		}
		p.line(".BR %s (1)%s", escape(n), comma)
	}
}

// escape keeps roff from reading text as its own.
func escape(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}
