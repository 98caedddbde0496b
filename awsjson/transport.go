package awsjson

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// sharedTransport is that of the clients which bring none.
var sharedTransport = sync.OnceValue(func() http.RoundTripper {
	return &http.Transport{
		DialContext:        (&net.Dialer{Timeout: time.Minute}).DialContext,
		DisableCompression: true,
		IdleConnTimeout:    10 * time.Second,
	}
})
