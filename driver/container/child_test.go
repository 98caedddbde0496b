//go:build linux && cgo

package container

const childEnv = "APRON_CONTAINER_TEST_CHILD"

func childMain() {}
