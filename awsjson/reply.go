package awsjson

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strconv"
	"strings"
	"sync"
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

// plainLimit is the size up to which a body goes out plain. With its head it fits into the 4096 bytes that a Go client
// reads at once. aws-sdk-go-v2 closes its request's body as soon as it has the head of the answer; when net/http has by
// then written that body and not yet looked for its end, the closed body answers with an error that net/http takes for
// a failed write, so that it closes the connection. Of the answer, the client then has only what it has read. Packed,
// the answers of nearly all actions fit.
const plainLimit = 3500

// write sends the reply in one piece. A client that has gone needs none, so errors are dropped.
func (a reply) write(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.contentType)
	if len(a.body) > plainLimit && acceptsGzip(r) {
		h.Set("Content-Encoding", "gzip")
		a.body = pack(a.body)
	}
	h.Set("Content-Length", strconv.Itoa(len(a.body)))
	control := http.NewResponseController(w)
	control.SetWriteDeadline(time.Now().Add(replyLimit))
	w.WriteHeader(a.status)
	w.Write(a.body)
	control.Flush() // under the deadline, which what else the connection carries must not inherit
	control.SetWriteDeadline(time.Time{})
}

// acceptsGzip reports whether the client says that it can unpack an answer. Go's clients do; the AWS CLI and boto3 do
// not.
func acceptsGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, weight, _ := strings.Cut(part, ";")
		if strings.TrimSpace(name) == "gzip" {
			return strings.TrimRight(strings.TrimSpace(weight), "0.") != "q="
		}
	}
	return false
}

// packers are kept because each is more than a megabyte.
var packers = sync.Pool{New: func() any {
	z, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	if err != nil {
		panic(err) // the level is a constant
	}
	return z
}}

func pack(body []byte) []byte {
	var packed bytes.Buffer
	z := packers.Get().(*gzip.Writer)
	defer packers.Put(z)
	z.Reset(&packed)
	z.Write(body) // into memory, which does not fail
	z.Close()
	return packed.Bytes()
}
