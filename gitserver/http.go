package gitserver

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/go-git/go-git/v6/plumbing/transport"
	"github.com/go-git/go-git/v6/storage"
	"github.com/go-git/go-git/v6/storage/memory"
)

const (
	requestLimit = 30 * time.Minute // of one request
)

// handler answers one request for a repository, which is in use meanwhile.
type handler func(w http.ResponseWriter, req *http.Request, r *repository) error

func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("GET /git/{repository}/info/refs", s.serve(s.infoRefs))
	mux.Handle("POST /git/{repository}/git-upload-pack", s.serve(s.rpc("git-upload-pack", s.uploadPack)))
	mux.Handle("POST /git/{repository}/git-receive-pack", s.serve(s.rpc("git-receive-pack", s.receivePack)))
	mux.Handle("PUT /git/{repository}/tree/{branch...}", s.serve(s.putTree))
	mux.HandleFunc("/git/{repository}/info/lfs/", noLargeFiles)
	mux.HandleFunc("/git/", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "nothing is here: a repository's URL is /git/NAME, for git clone, fetch and push", http.StatusNotFound)
	})
	return mux
}

// noLargeFiles answers git lfs in its own way, for it shows the message of no other.
func noLargeFiles(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/vnd.git-lfs+json")
	w.WriteHeader(http.StatusNotImplemented)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": "large files of git lfs are not kept here: `apron up` sends them as they are in the working tree"})
}

// ServeHTTP serves git's smart HTTP under /git/<repository>/, with or without .git behind the repository's name, and
// PUT /git/<repository>/tree/<branch>: see Uploaded. A repository is made by what is first pushed or put into it.
func (s *Server) ServeHTTP(w http.ResponseWriter, req *http.Request) { s.mux.ServeHTTP(w, req) }

// serve lets those in who have a key of the account, and only read with one that may only read.
func (s *Server) serve(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		access, ok := s.login(w, req)
		if !ok {
			return
		}
		ctx, cancel := context.WithTimeoutCause(req.Context(), requestLimit, errors.New("the request took too long"))
		defer cancel()
		defer forgive(w)
		patient := &patientWriter{ResponseWriter: w, control: http.NewResponseController(w), idle: s.cfg.Idle}
		req = req.WithContext(ctx)
		req.Body = patientReader{req.Body, patient.control, s.cfg.Idle}
		if err := s.answer(patient, req, access, h); err != nil {
			s.fail(patient, req, err)
		}
	})
}

func (s *Server) answer(w http.ResponseWriter, req *http.Request, access Access, h handler) error {
	if access.ReadOnly && writes(req) {
		return status{http.StatusForbidden, refuse("this access key may only read: clone and fetch; `apron key create` makes one that may push")}
	}
	r, err := s.repository(access.Account, strings.TrimSuffix(req.PathValue("repository"), repoSuffix))
	if err != nil {
		return err
	}
	body, err := decoded(req)
	if err != nil {
		return err
	}
	req.Body = body
	r.inUse.RLock()
	defer r.inUse.RUnlock()
	return h(w, req, r)
}

func writes(req *http.Request) bool {
	return req.Method == http.MethodPut || strings.HasSuffix(req.URL.Path, "/git-receive-pack") || req.URL.Query().Get("service") == "git-receive-pack"
}

func (s *Server) login(w http.ResponseWriter, req *http.Request) (Access, bool) {
	if user, password, sent := req.BasicAuth(); sent {
		access, ok, err := s.cfg.Login(req.Context(), user, password)
		if err != nil {
			s.fail(w, req, err)
			return access, false
		}
		if ok {
			return access, true
		}
	}
	w.Header().Set("WWW-Authenticate", `Basic realm="apron", charset="UTF-8"`)
	http.Error(w, "log in with an access key id as the user name and its secret as the password; `apron remote` shows how git sends them by itself", http.StatusUnauthorized)
	return Access{}, false
}

// decoded undoes what git does to large questions. Packs it leaves as they are.
func decoded(req *http.Request) (io.ReadCloser, error) {
	switch req.Header.Get("Content-Encoding") {
	case "", "identity":
		return req.Body, nil
	case "gzip":
		zr, err := gzip.NewReader(req.Body)
		if err != nil {
			return nil, refuse("the request is no gzip: %v", err)
		}
		return zr, nil
	}
	return nil, status{http.StatusUnsupportedMediaType, refuse("a request may be sent plain or as gzip")}
}

// status is an error with an HTTP status of its own; refusals have 400, all others 500.
type status struct {
	code int
	error
}

func (e status) Unwrap() error { return e.error }

// fail answers with an error if nothing was answered yet. git shows the text behind "remote:".
func (s *Server) fail(w http.ResponseWriter, req *http.Request, err error) {
	code := http.StatusInternalServerError
	if _, told := errors.AsType[*refusal](err); told {
		code = http.StatusBadRequest
	}
	if own, ok := errors.AsType[status](err); ok {
		code = own.code
	}
	if patient, ok := w.(*patientWriter); ok && patient.begun {
		s.cfg.Log.Debug("a git request ended early", "path", req.URL.Path, "error", err)
		return
	}
	http.Error(w, s.public(req.Context(), err, req.Method+" "+req.URL.Path).Error(), code)
}

func (s *Server) infoRefs(w http.ResponseWriter, req *http.Request, r *repository) error {
	service, gitProtocol := req.URL.Query().Get("service"), req.Header.Get("Git-Protocol")
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("Content-Type", "application/x-"+service+"-advertisement")
	var st storage.Storer = memory.NewStorage()
	if r.exists() {
		own := r.storage()
		defer own.Close()
		st = own
	}
	switch service {
	case transport.UploadPackService:
		if !r.exists() {
			return noRepository(r)
		}
		return transport.UploadPack(req.Context(), st, nil, nopCloser{w}, &transport.UploadPackRequest{GitProtocol: gitProtocol, AdvertiseRefs: true, StatelessRPC: true})
	case transport.ReceivePackService:
		return transport.ReceivePack(req.Context(), st, nil, nopCloser{w}, &transport.ReceivePackRequest{GitProtocol: gitProtocol, AdvertiseRefs: true, StatelessRPC: true})
	}
	return status{http.StatusForbidden, refuse("git's smart HTTP is all that is spoken here")}
}

func noRepository(r *repository) error {
	return status{http.StatusNotFound, refuse("there is no repository %s; the first `git push` to it makes it", r.name)}
}

// rpc refuses what is no git: a browser sends such a type only after it has asked, and nobody says yes.
func (s *Server) rpc(service string, h handler) handler {
	return func(w http.ResponseWriter, req *http.Request, r *repository) error {
		if got := req.Header.Get("Content-Type"); got != "application/x-"+service+"-request" {
			return status{http.StatusUnsupportedMediaType, refuse("a request of type %q is none of git's", got)}
		}
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("Content-Type", "application/x-"+service+"-result")
		return h(w, req, r)
	}
}

// patientWriter gives the client some time for each write, and notes that the answer has begun.
type patientWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	idle    time.Duration
	begun   bool
}

func (w *patientWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *patientWriter) WriteHeader(code int) {
	w.begun = true
	w.ResponseWriter.WriteHeader(code)
}

func (w *patientWriter) Write(b []byte) (int, error) {
	w.begun = true
	_ = w.control.SetWriteDeadline(time.Now().Add(w.idle)) // a test's recorder has none
	return w.ResponseWriter.Write(b)
}

// patientReader gives the client some time for each read.
type patientReader struct {
	io.ReadCloser
	control *http.ResponseController
	idle    time.Duration
}

func (r patientReader) Read(b []byte) (int, error) {
	_ = r.control.SetReadDeadline(time.Now().Add(r.idle))
	n, err := r.ReadCloser.Read(b)
	if err != nil {
		_ = r.control.SetReadDeadline(time.Time{}) // the server goes on to read, to see whether the client leaves
	}
	return n, err
}

// forgive takes the limits from a connection that other requests may come over.
func forgive(w http.ResponseWriter) {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Time{})
	_ = control.SetWriteDeadline(time.Time{})
}

func writeJSON(w http.ResponseWriter, v any) error {
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(v)
}
