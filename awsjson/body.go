package awsjson

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// maxBody is the limit on a request's body, compressed and not. The largest valid requests, services with hundreds of
// environment variables, stay well below it.
const maxBody = 1 << 20

// bodyLimit is how long a client may take to send a body.
const bodyLimit = 30 * time.Second

// limitBody gives whoever reads the body bodyLimit for it: readBody, or net/http, which reads over what a refused
// request still sends.
func limitBody(w http.ResponseWriter) {
	http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyLimit))
}

// readBody returns the body as it was sent, which is what the signature covers.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := readAll(http.MaxBytesReader(w, r.Body, maxBody), r.ContentLength)
	if err == nil {
		// net/http watches the connection while the handler works, however long that is.
		http.NewResponseController(w).SetReadDeadline(time.Time{})
		return body, nil
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, tooSlow("The request body did not arrive within %s. Send it again, faster.", bodyLimit)
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, tooLarge("The request body is larger than %d bytes. Send less; large files belong into the image.", maxBody)
	}
	return nil, aborted(err)
}

// maxTrusted is how much memory a client gets for saying how much it will send.
const maxTrusted = 64 << 10

// readAll reads to the end, into one allocation when the length is known and small.
func readAll(r io.Reader, length int64) ([]byte, error) {
	if length < 0 || length > maxBody {
		return io.ReadAll(r)
	}
	body := bytes.NewBuffer(make([]byte, 0, min(length, maxTrusted)+bytes.MinRead))
	_, err := body.ReadFrom(r)
	return body.Bytes(), err
}

// unpack undoes the Content-Encoding.
func unpack(r *http.Request, sent []byte) ([]byte, error) {
	switch encoding := strings.ToLower(r.Header.Get("Content-Encoding")); encoding {
	case "", "identity":
		return sent, nil
	case "gzip":
		return gunzip(sent)
	default:
		return nil, malformedHTTP("The Content-Encoding %s is not known here. Use gzip or none.", cut(encoding))
	}
}

func gunzip(sent []byte) ([]byte, error) {
	const broken = "The request body is not valid gzip, although its Content-Encoding says so. Send it again, or plain."
	z, err := gzip.NewReader(bytes.NewReader(sent))
	if err != nil {
		return nil, malformedHTTP(broken)
	}
	body, err := io.ReadAll(io.LimitReader(z, maxBody+1))
	if err != nil {
		return nil, malformedHTTP(broken)
	}
	if len(body) > maxBody {
		return nil, tooLarge("The request body is larger than %d bytes when it is unpacked. Send less.", maxBody)
	}
	return body, nil
}
