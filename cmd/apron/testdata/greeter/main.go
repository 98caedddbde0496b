// Command greeter greets a server that hands over to it with the text of GREETING, and waits to be told what comes of it.
package main

import (
	"fmt"
	"net"
	"os"
)

func main() {
	c, err := net.FileConn(os.NewFile(3, "handover"))
	if err == nil {
		_, err = c.Read(make([]byte, 1<<18))
	}
	if err == nil {
		_, err = c.Write([]byte(os.Getenv("GREETING")))
	}
	if err == nil {
		_, err = c.Read(make([]byte, 1<<18))
	}
	fmt.Println("greeter:", err)
}
