package awsjson

import (
	"net/http"
	"strconv"
	"time"
)

// reply is what goes back, apart from the request id, which is in the header already.
type reply struct {
	status      int
	contentType string
	body        []byte
}

const (
	jsonType = "application/x-amz-json-1.0"
	textType = "text/plain; charset=utf-8"
)

// replyLimit is how long a client may take to receive an answer.
const replyLimit = 30 * time.Second

// write sends the reply in one piece. A client that has gone needs none, so errors are dropped.
func (a reply) write(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", a.contentType)
	h.Set("Content-Length", strconv.Itoa(len(a.body)))
	control := http.NewResponseController(w)
	control.SetWriteDeadline(time.Now().Add(replyLimit))
	w.WriteHeader(a.status)
	w.Write(a.body)
	control.Flush() // under the deadline, which what else the connection carries must not inherit
	control.SetWriteDeadline(time.Time{})
}
