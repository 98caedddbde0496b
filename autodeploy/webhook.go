package autodeploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"apron/api"
	"apron/store"
)

const (
	maxPayload  = 2 << 20          // of a webhook; what is new is found out elsewhere, so nothing long is of use
	readLimit   = 10 * time.Second // for the whole of it
	maxWebhooks = 16               // read at a time
)

// Webhook returns the handler of POST /hooks/{service}, where providers of repositories and anybody who has the service's secret
// tell that there may be something new. It answers at once, in JSON with a message: 202 when the service is going to be
// looked at, 200 when there is no need to, 401 without the secret. Who sends too much gets 413 and has to wait for the next
// look that is due.
func (w *Watcher) Webhook() http.Handler {
	slots := make(chan struct{}, maxWebhooks)
	return http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
		default:
			rw.Header().Set("Retry-After", "5")
			answer(rw, http.StatusServiceUnavailable, "Too many webhooks at a time. Send it again.")
			return
		}
		status, message := w.hear(rw, req)
		answer(rw, status, message)
	})
}

func answer(rw http.ResponseWriter, status int, message string) {
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(status)
	_ = json.NewEncoder(rw).Encode(map[string]string{"message": message}) // who has gone needs no answer
}

// hear takes one webhook.
func (w *Watcher) hear(rw http.ResponseWriter, req *http.Request) (status int, message string) {
	_ = http.NewResponseController(rw).SetReadDeadline(time.Now().Add(readLimit)) // a test's recorder has none
	body, err := io.ReadAll(http.MaxBytesReader(rw, req.Body, maxPayload))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return http.StatusRequestEntityTooLarge, fmt.Sprintf("The payload is larger than %d bytes. The change is found when the service is looked at next.", maxPayload)
	}
	if err != nil {
		return http.StatusBadRequest, "The payload broke off."
	}
	id := req.PathValue("service")
	if !signed(req, body, w.cfg.Secret(id)) {
		return http.StatusUnauthorized, "There is no such service, or the request is not signed with its secret. `apron hook SERVICE` shows the URL and the secret."
	}
	svc, err := w.service(req.Context(), id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return http.StatusNotFound, "The service is deleted. Delete the webhook, too."
	case err != nil:
		w.cfg.Log.Error("the service of a webhook could not be read", "service_id", id, "error", err)
		return http.StatusInternalServerError, "apron has a problem of its own; its log says which."
	}
	return w.answerTo(svc, payloadOf(req, body))
}

// service reads a service that is not deleted.
func (w *Watcher) service(ctx context.Context, id string) (svc store.Service, err error) {
	err = w.cfg.Store.View(ctx, func(tx *store.Tx) error {
		svc, err = tx.ServiceByID(id)
		return err
	})
	if err == nil && svc.Service.DeletedAt != nil {
		err = store.ErrNotFound
	}
	return svc, err
}

// answerTo says what comes of a webhook, and has the service looked at if there is reason to.
func (w *Watcher) answerTo(svc store.Service, p payload) (status int, message string) {
	s := svc.Service
	v := view{svc: svc}
	code := s.SourceConfiguration.CodeRepository
	switch {
	case p.ping:
		return http.StatusOK, fmt.Sprintf("Pushes are heard for service %s.", s.ServiceName)
	case !v.watched():
		return http.StatusOK, fmt.Sprintf("Service %s does not deploy by itself: its AutoDeploymentsEnabled is false.", s.ServiceName)
	case code != nil && p.branches != nil && !slices.Contains(p.branches, code.SourceCodeVersion.Value):
		return http.StatusOK, fmt.Sprintf("Service %s is deployed from branch %s, which this is not about.", s.ServiceName, code.SourceCodeVersion.Value)
	}
	w.Look(s.ServiceArn)
	if s.Status == api.StatusPaused {
		return http.StatusAccepted, fmt.Sprintf("Service %s is paused. After a resume it runs what it ran before; StartDeployment deploys the new version.", s.ServiceName)
	}
	return http.StatusAccepted, fmt.Sprintf("Service %s is looked at, and deployed if there is something new for it.", s.ServiceName)
}
