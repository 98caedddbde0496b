package main

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/coder/websocket"
)

//go:embed page.html
var page []byte

// web are the paths that clients ask for.
func web() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/", count)
	mux.HandleFunc("/download", download)
	mux.HandleFunc("/header", header)
	mux.HandleFunc("/refuse", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "not from you", http.StatusForbidden) })
	mux.HandleFunc("/events", events)
	mux.HandleFunc("/ws", echo)
	loaded := make(chan struct{})
	mux.HandleFunc("/done", func(_ http.ResponseWriter, r *http.Request) {
		select {
		case loaded <- struct{}{}:
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("/wait", func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-loaded:
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("/page", func(w http.ResponseWriter, _ *http.Request) { w.Write(page) })
	return mux
}

// count reads the body and says how it came.
func count(w http.ResponseWriter, r *http.Request) {
	n, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	fmt.Fprintf(w, "%s of %d bytes, length %d, over %s\n", r.Method, n, r.ContentLength, r.Header.Get("X-Forwarded-Proto"))
}

// download sends as many MiB as are asked for, without a Content-Length.
func download(w http.ResponseWriter, r *http.Request) {
	mb, _ := strconv.Atoi(r.FormValue("mb"))
	block := make([]byte, 1<<20)
	for range mb {
		if _, err := w.Write(block); err != nil {
			return
		}
	}
}

// header says how long the client's X-Long is, and answers with one of the same length.
func header(w http.ResponseWriter, r *http.Request) {
	n := len(r.Header.Get("X-Long"))
	w.Header().Set("X-Long", strings.Repeat("a", n))
	fmt.Fprintln(w, n)
}

// events are three, a moment apart, and then nothing until the client has gone.
func events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	for i := range 3 {
		fmt.Fprintf(w, "data: event %d\n\n", i+1)
		if err := http.NewResponseController(w).Flush(); err != nil {
			return
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-r.Context().Done():
			return
		}
	}
	<-r.Context().Done()
}

// echo sends each message back. A text "close CODE REASON" closes instead.
func echo(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // the client was told
	}
	defer c.CloseNow()
	c.SetReadLimit(64 << 20)
	for {
		kind, message, err := c.Read(context.Background())
		if err != nil {
			return
		}
		if rest, ok := strings.CutPrefix(string(message[:min(len(message), 128)]), "close "); ok {
			code, reason, _ := strings.Cut(rest, " ")
			n, _ := strconv.Atoi(code)
			c.Close(websocket.StatusCode(n), reason)
			return
		}
		if err := c.Write(context.Background(), kind, message); err != nil {
			return
		}
	}
}
