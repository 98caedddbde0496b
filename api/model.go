package api

import _ "embed"

// Model is model.json: the operations and shapes of the App Runner API, in the form in which AWS publishes its models.
// The command line reads it at run time.
//
//go:embed model.json
var Model []byte
