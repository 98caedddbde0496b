package api

import _ "embed"

// Model is model.json: the operations and shapes of the App Runner API, in the form in which AWS publishes its models.
// The command line reads it at run time.
//
//go:embed model.json
var Model []byte

// OwnModel is apron.json: the operations that apron adds to App Runner's, in the same form. It stands for itself: the shapes
// of App Runner's that it uses are in it.
//
//go:embed apron.json
var OwnModel []byte
