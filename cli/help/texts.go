package help

import (
	"embed"
	"encoding/json"

	"apron/cli/model"
)

//go:embed texts
var textFiles embed.FS

// texts is what is said of one API. An API whose model says it itself needs a description alone.
type texts struct {
	Description []string            `json:"description"`
	Operations  map[string]string   `json:"operations"`
	Members     map[string]string   `json:"members"`  // by member, or by Shape.Member where it means something else
	Examples    map[string][]string `json:"examples"` // a sentence and a command
}

// common is what is said of the options that every command takes.
type common struct {
	Description []string          `json:"description"`
	Usage       string            `json:"usage"`
	Globals     map[string]string `json:"globals"`
	Input       string            `json:"input"`
	Skeleton    string            `json:"skeleton"`
}

// read reads a file of texts. An API that has none has no texts.
func read[T any](name string) (t T) {
	text, err := textFiles.ReadFile("texts/" + name + ".json")
	if err != nil {
		return t
	}
	if err := json.Unmarshal(text, &t); err != nil {
		panic("help: texts of " + name + ": " + err.Error())
	}
	return t
}

func (t *texts) operation(op *model.Operation) string {
	if op.Doc != "" {
		return op.Doc
	}
	return t.Operations[op.Name]
}

func (t *texts) member(of *model.Shape, m model.Member) string {
	if m.Doc != "" {
		return m.Doc
	}
	if text, ok := t.Members[of.Name+"."+m.Name]; ok {
		return text
	}
	return t.Members[m.Name]
}

// Member is what is said of a structure's member of the API, in one sentence.
func Member(s *model.Service, of *model.Shape, m model.Member) string {
	t := read[texts](s.Name)
	return t.member(of, m)
}

// Global is what is said of an option that every command takes, named without its dashes.
func Global(option string) string { return read[common]("globals").Globals[option] }
