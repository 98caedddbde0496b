package gitserver

import (
	"bytes"
	"context"
	"io"

	"github.com/go-git/go-git/v6/plumbing"
	"github.com/go-git/go-git/v6/plumbing/format/config"
	"github.com/go-git/go-git/v6/plumbing/format/packfile"
)

// resolve makes the objects that the pack has as deltas, from each whole object on through what is a delta of it.
func (p *pack) resolve(ctx context.Context) error {
	for i := range p.entries {
		if p.entries[i].kind.IsDelta() || !p.hasDeltas(i) {
			continue
		}
		if err := p.hold(p.entries[i].size); err != nil { // before it takes memory
			return err
		}
		content, err := p.inflate(p.entries[i])
		if err != nil {
			return err
		}
		if err := p.resolveOn(ctx, i, content, 0); err != nil {
			return err
		}
	}
	for _, e := range p.entries {
		if e.hash.IsZero() {
			return refuse("the pack has a delta of an object that is not in it; push with --no-thin")
		}
	}
	return nil
}

func (p *pack) hasDeltas(i int) bool {
	return len(p.onOffset[p.entries[i].offset]) > 0 || len(p.onHash[p.entries[i].hash]) > 0
}

// deltasOn takes the deltas of an entry that is resolved; each is resolved once.
func (p *pack) deltasOn(i int) []int {
	e := p.entries[i]
	deltas := append(p.onOffset[e.offset], p.onHash[e.hash]...)
	delete(p.onOffset, e.offset)
	delete(p.onHash, e.hash)
	return deltas
}

// resolveOn makes what is a delta of entry i, and so on. The content is let go before the last one's own deltas, so that a
// chain keeps two objects in memory, however long it is. The caller has counted the content as held.
func (p *pack) resolveOn(ctx context.Context, i int, content []byte, depth int) error {
	if depth > p.limits.chain {
		return refuse("the pack is broken: more than %d deltas, one on another", p.limits.chain)
	}
	size := int64(len(content))
	deltas := p.deltasOn(i)
	for n, d := range deltas {
		if err := ctx.Err(); err != nil {
			return err
		}
		made, err := p.apply(d, i, content)
		if err != nil {
			return err
		}
		if n == len(deltas)-1 {
			p.held -= size
			content, size = nil, 0
		}
		if !p.hasDeltas(d) {
			continue
		}
		if err := p.hold(int64(len(made))); err != nil {
			return err
		}
		if err := p.resolveOn(ctx, d, made, depth+1); err != nil {
			return err
		}
	}
	p.held -= size
	return nil
}

func (p *pack) hold(n int64) error {
	if p.held += n; p.held > p.limits.held {
		return refuse("the pack takes more than %s of memory to resolve; "+smallDeltas, size(p.limits.held))
	}
	return nil
}

// apply makes entry d, a delta of entry base.
func (p *pack) apply(d, base int, content []byte) ([]byte, error) {
	e := &p.entries[d]
	instructions, err := p.inflate(*e)
	if err != nil {
		return nil, err
	}
	made, err := packfile.PatchDelta(content, instructions)
	if err != nil {
		return nil, refuse("the pack is broken: a delta does not fit its base")
	}
	e.kind = p.entries[base].kind
	h := plumbing.NewHasher(config.SHA1, e.kind, int64(len(made)))
	if _, err := h.Write(made); err != nil {
		return nil, err
	}
	e.hash = h.Sum()
	p.found[e.hash] = e.kind
	return made, nil
}

// inflate reads an entry once more. Its size has been checked.
func (p *pack) inflate(e packEntry) ([]byte, error) {
	p.at.Reset(io.NewSectionReader(p.file, e.data, 1<<62-e.data))
	zr, err := p.inflater(p.at)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.Grow(int(e.size))
	err = p.copyExactly(&b, zr, e.size)
	return b.Bytes(), err
}
