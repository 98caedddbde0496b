package aprontest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"apron/api"
)

// model is api/model.json.
type model struct {
	Metadata   map[string]any `json:"metadata"`
	Operations map[string]struct {
		Input  string   `json:"input"`
		Output string   `json:"output"`
		Errors []string `json:"errors"`
	} `json:"operations"`
	Shapes json.RawMessage `json:"shapes"` // as it is, because the order of members shows in outputs
}

// WriteBotocoreModel writes the whole API's model in botocore's form below dir, which becomes an AWS_DATA_PATH: Debian's
// aws and boto3 are too old for two of the actions and a few members.
func WriteBotocoreModel(dir string) error {
	var m model
	if err := json.Unmarshal(api.Model, &m); err != nil {
		return fmt.Errorf("read the API's model: %w", err)
	}
	type shape struct {
		Shape string `json:"shape"`
	}
	operations := map[string]any{}
	for name, o := range m.Operations {
		errors := []shape{}
		for _, e := range o.Errors {
			errors = append(errors, shape{e})
		}
		operations[name] = map[string]any{
			"name": name, "http": map[string]string{"method": "POST", "requestUri": "/"},
			"input": shape{o.Input}, "output": shape{o.Output}, "errors": errors,
		}
	}
	text, err := json.Marshal(map[string]any{"version": "2.0", "metadata": m.Metadata, "operations": operations, "shapes": m.Shapes})
	if err != nil {
		return err
	}
	path := filepath.Join(dir, "apprunner", "2020-05-15")
	if err := os.MkdirAll(path, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(path, "service-2.json"), text, 0o644)
}
