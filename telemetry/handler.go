package telemetry

import (
	"context"
	"net/http"
	"time"
)

// Access is what somebody may see: one account's figures, or with All those of all accounts and the machine's.
type Access struct {
	Account string
	All     bool
}

// Login says what a user name and password are worth: an access key and its secret.
type Login func(ctx context.Context, user, password string) (Access, bool, error)

// scrapeLimit is Prometheus's own default.
const scrapeLimit = 10 * time.Second

// Handler serves the figures in Prometheus's text format. Prometheus cannot sign requests, so it logs in by basic
// authentication; where open is set, whoever does not log in sees everything.
func (t *Telemetry) Handler(sources Sources, login Login, open bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		access := Access{All: open}
		if user, password, sent := r.BasicAuth(); sent || !open {
			var ok bool
			var err error
			access, ok, err = login(r.Context(), user, password)
			if !ok || err != nil {
				t.refuse(w, err)
				return
			}
		}
		t.answer(w, r, sources, access)
	})
}

func (t *Telemetry) refuse(w http.ResponseWriter, err error) {
	if err != nil {
		t.cfg.Log.Error("an access key could not be looked up for /metrics", "error", err)
		http.Error(w, "The server could not look up the access key; its log says why. Try again", http.StatusInternalServerError)
		return
	}
	w.Header().Set("WWW-Authenticate", `Basic realm="apron", charset="UTF-8"`)
	http.Error(w, "Log in with an access key id as user name and its secret as password: basic_auth in Prometheus's scrape configuration", http.StatusUnauthorized)
}

func (t *Telemetry) answer(w http.ResponseWriter, r *http.Request, sources Sources, access Access) {
	ctx, cancel := context.WithTimeout(r.Context(), scrapeLimit)
	defer cancel()
	account := access.Account
	if access.All {
		account = ""
	}
	figures, err := t.scrape(ctx, sources, account)
	if err != nil {
		if r.Context().Err() == nil {
			t.cfg.Log.Error("figures for /metrics could not be gathered", "error", err)
		}
		http.Error(w, "The figures could not be gathered; the server's log says why. Try again", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", contentType)
	_, _ = figures.WriteTo(w) // the client may have gone
}
