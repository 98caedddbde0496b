// Package api is the App Runner API (2020-05-15) as Go: its structures, enums, constraints and actions, generated
// from model.json, and beside them the actions that apron adds, from apron.json, with strict decoding, validation, the
// error type that every layer returns, and ARNs. Every other package of apron imports it and stores its structures as they
// are. It must never do I/O, know an HTTP status, or import anything but the standard library.
package api

//go:generate go run ./generate
