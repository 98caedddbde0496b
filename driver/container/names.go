package container

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/fnv"
)

// Namespace is the short name by which everything that a driver with this state directory makes on the host is told from
// the parts of other drivers.
func Namespace(dir string) string {
	sum := sha256.Sum256([]byte(dir))
	return hex.EncodeToString(sum[:3])
}

// LinkName is the host end of the network link of the instance with this address.
func LinkName(namespace string, address int) string {
	return fmt.Sprintf("apv%s%04x", key(namespace), address) // 15 characters, the most a link may have
}

func key(namespace string) string {
	h := fnv.New32a()
	h.Write([]byte(namespace))
	return fmt.Sprintf("%08x", h.Sum32())
}

// BridgeName is the host's end of all these links, whose address is the host's as instances see it. It is there while there are
// instances.
func BridgeName(namespace string) string { return bridgeName(key(namespace)) }

func bridgeName(key string) string { return "apb" + key }
