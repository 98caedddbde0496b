// Package handover is how one server process leaves its sockets and its work to the next one: the start of the new
// process, the greeting by which the two find out whether they understand each other, and the questions that each may ask the
// other afterwards, with open sockets in the answers. It also has the socket by which `apron upgrade` asks for it all.
// cmd/apron says what the questions mean. Nothing here may know what a server consists of.
package handover
