//go:build !crashtest

package main

// boundary does nothing outside the crash tests.
var boundary func(operation, place string)
