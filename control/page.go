package control

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"

	"apron/api"
	"apron/store"
)

// page is which part of a list a client asks for.
type page struct {
	list  []byte // names the list and seals its tokens
	after int64  // the place in the list's order of the last item that the client has; 0 for none
	size  int    // 0 = all that is left, as App Runner documents for an absent MaxResults
	key   []byte
}

// A token is its form's number, the place and the seal. Another form is that of logs.
const (
	tokenForm = 1
	placeEnd  = 1 + 8
	sealSize  = 16
	tokenEnd  = placeEnd + sealSize
)

// page reads what a request says about pages. what names the list: the action, and every parameter that changes what is in
// the list. A token is good for the list alone that it was made for, of the same account and region, as App Runner asks
// of clients; the size may change between pages.
func (c *Control) page(caller api.Caller, token *string, size *int, what ...string) (page, error) {
	p := page{key: c.cfg.TokenKey, list: listName(caller, what...)}
	if size != nil {
		p.size = *size
	}
	if token == nil {
		return p, nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(*token)
	if err != nil || len(raw) != tokenEnd || raw[0] != tokenForm || !hmac.Equal(raw[placeEnd:], p.seal(raw[:placeEnd])) {
		return p, errToken()
	}
	p.after = int64(binary.BigEndian.Uint64(raw[1:]))
	return p, nil
}

func listName(caller api.Caller, what ...string) []byte {
	return []byte(strings.Join(append(what, caller.Account, caller.Region), "\x00"))
}

func errToken() error {
	return api.InvalidRequest("The NextToken is not one that this action returned for these parameters. Start again without NextToken.")
}

// seal proves that a token was made here, for this list.
func (p page) seal(place []byte) []byte {
	h := hmac.New(sha256.New, p.key)
	h.Write(place)
	h.Write(p.list)
	return h.Sum(nil)[:sealSize]
}

// token leads to what comes after a place in the list.
func (p page) token(after int64) string {
	raw := binary.BigEndian.AppendUint64([]byte{tokenForm}, uint64(after))
	return base64.RawURLEncoding.EncodeToString(append(raw, p.seal(raw)...))
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
	return rows, new(p.token(rows[p.size-1].Seq))
}
