package awsjson

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"
)

// maxBody is the limit on a request's body, compressed and not. The largest valid requests, services with hundreds of
// environment variables, stay well below it.
const maxBody = 1 << 20

// readBody returns the body as it was sent, which is what the signature covers.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		return body, nil
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, tooLarge("The request body is larger than %d bytes. Send less; large files belong into the image.", maxBody)
	}
	return nil, aborted(err)
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
