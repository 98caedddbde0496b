package control

import (
	"encoding/base64"
	"strconv"
	"strings"

	"apron/api"
	"apron/store"
)

// page is which part of a list a client asks for.
type page struct {
	after int64 // the place in the list's order of the last item that the client has; 0 for none
	size  int   // 0 = all that is left, as App Runner documents for an absent MaxResults
}

// tokenPrefix names the form of our tokens, so that another form can follow.
const tokenPrefix = "v1:"

func parsePage(token *string, size *int) (page, error) {
	var p page
	if size != nil {
		p.size = *size
	}
	if token == nil {
		return p, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(*token)
	seq, found := strings.CutPrefix(string(text), tokenPrefix)
	if err == nil && found {
		p.after, err = strconv.ParseInt(seq, 10, 64)
	}
	if err != nil || !found || p.after <= 0 {
		return p, api.InvalidRequest("The NextToken is not one that this action returned. Start again without NextToken.")
	}
	return p, nil
}

// fetch is how many rows to read: one more than is shown tells whether another page follows.
func (p page) fetch() int {
	if p.size == 0 {
		return -1
	}
	return p.size + 1
}

// cut returns the rows to show and the token of the page after them, nil after the last one.
func cut[T any](p page, rows []store.Row[T]) ([]store.Row[T], *string) {
	if p.size == 0 || len(rows) <= p.size {
		return rows, nil
	}
	rows = rows[:p.size]
	last := strconv.FormatInt(rows[p.size-1].Seq, 10)
	return rows, new(base64.RawURLEncoding.EncodeToString([]byte(tokenPrefix + last)))
}
