package gitserver

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/go-git/go-git/v6/plumbing/format/pktline"
	"github.com/go-git/go-git/v6/plumbing/protocol"
	"github.com/go-git/go-git/v6/plumbing/transport"
)

const maxAsk = 32 << 20 // what a client may ask for in a fetch

func (s *Server) uploadPack(w http.ResponseWriter, req *http.Request, r *repository) error {
	if !r.exists() {
		return noRepository(r)
	}
	st := r.storage()
	defer st.Close()
	asked := http.MaxBytesReader(w, req.Body, maxAsk)
	answer := func(asked io.Reader, to io.Writer) error {
		return transport.UploadPack(req.Context(), st, io.NopCloser(asked), nopCloser{to}, &transport.UploadPackRequest{
			GitProtocol: req.Header.Get("Git-Protocol"), StatelessRPC: true,
			SkipDeltaCompression: true, // looking for deltas takes more memory and time than the bytes that they save
		})
	}
	if transport.ProtocolVersion(req.Header.Get("Git-Protocol")) == protocol.V2 {
		return answer(asked, w)
	}
	old, err := readOldAsk(asked)
	if err != nil {
		return err
	}
	return old.answer(w, answer)
}

// oldAsk is what a client of protocols before 2 asks for. go-git acknowledges commits there that it does not have, and takes
// shallow marks from commits that had none; git answers both with an error. Asked as for a clone it does well. So the client
// is told that none of its commits is known, and gets all that leads to what it wants.
type oldAsk struct {
	wants    []byte          // the lines before the first flush but for the next, as they came
	deepen   []byte          // how much history is wanted, if not all
	shallows map[string]bool // commits where the client's history is cut off
	haves    bool
	done     bool
}

const (
	flush = "0000"
	done  = "0009done\n"
	nak   = "0008NAK\n"
)

func readOldAsk(r io.Reader) (oldAsk, error) {
	ask := oldAsk{shallows: map[string]bool{}}
	in := bufio.NewReader(r)
	for {
		n, line, err := pktline.ReadLine(in)
		if errors.Is(err, io.EOF) {
			return ask, nil
		}
		if err != nil {
			return ask, refuse("the request is broken: %v", err)
		}
		packet := fmt.Appendf(nil, "%04x%s", n, line)
		kind, id, _ := strings.Cut(strings.TrimSuffix(string(line), "\n"), " ")
		switch {
		case n == pktline.Flush:
		case kind == "have":
			ask.haves = true
		case kind == "done":
			ask.done = true
		case strings.HasPrefix(kind, "deepen"):
			ask.deepen = append(ask.deepen, packet...)
		default:
			ask.wants = append(ask.wants, packet...)
			ask.shallows[id] = kind == "shallow"
		}
	}
}

// answer writes where history is cut off, if that was asked, and then what the client gets, or that it should go on.
func (ask oldAsk) answer(w io.Writer, upload func(io.Reader, io.Writer) error) error {
	if len(ask.deepen) > 0 {
		var all bytes.Buffer
		// go-git waits for more after it, which comes with another request.
		ended := upload(io.MultiReader(bytes.NewReader(ask.wants), bytes.NewReader(ask.deepen), strings.NewReader(flush)), &all)
		if err := ask.cutOff(w, &all); err != nil {
			return errors.Join(ended, err)
		}
	}
	if ask.done {
		return upload(bytes.NewReader(append(ask.wants, flush+done...)), w)
	}
	if !ask.haves {
		return nil
	}
	_, err := io.WriteString(w, nak)
	return err
}

// cutOff copies where history is cut off, without marks taken from commits that have none, and without the NAK behind it
// that git does not expect yet.
func (ask oldAsk) cutOff(w io.Writer, r io.Reader) error {
	for {
		n, line, err := pktline.ReadLine(r)
		if err != nil {
			return err
		}
		if n == pktline.Flush {
			return pktline.WriteFlush(w)
		}
		id, unshallow := strings.CutPrefix(strings.TrimSuffix(string(line), "\n"), "unshallow ")
		if unshallow && !ask.shallows[id] {
			continue
		}
		if _, err := pktline.Write(w, line); err != nil {
			return err
		}
	}
}
