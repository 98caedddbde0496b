package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
)

// pool hands out a few connections, each with the statements that were prepared on it: SQLite takes longer to understand
// a short query than to answer it, and every connection has a cache of its own, which fills memory. The connection used
// last is used next, so that there are as many as are needed at once.
type pool struct {
	db    *sql.DB
	begin string        // the statement that begins a transaction
	slots chan struct{} // holds one for each connection in use

	mu     sync.Mutex
	idle   []*conn
	closed bool
}

func newPool(db *sql.DB, begin string, size int) *pool {
	return &pool{db: db, begin: begin, slots: make(chan struct{}, size)}
}

// take waits for a connection until ctx is done.
func (p *pool) take(ctx context.Context) (*conn, error) {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if c := p.lastUsed(); c != nil {
		return c, nil
	}
	c, err := p.db.Conn(ctx)
	if err != nil {
		<-p.slots
		return nil, err
	}
	return &conn{Conn: c, prepared: map[string]*sql.Stmt{}}, nil
}

func (p *pool) lastUsed() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) == 0 {
		return nil
	}
	c := p.idle[len(p.idle)-1]
	p.idle = p.idle[:len(p.idle)-1]
	return c
}

// give takes a connection back that is in no transaction.
func (p *pool) give(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		c.Close() // nobody is left to tell
	} else {
		p.idle = append(p.idle, c)
	}
	<-p.slots
}

// drop closes a connection that cannot be used again.
func (p *pool) drop(c *conn) error {
	defer func() { <-p.slots }()
	return c.Close()
}

// Close closes the connections, those in use when their transactions end.
func (p *pool) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	var errs []error
	for _, c := range p.idle {
		errs = append(errs, c.Close())
	}
	p.idle = nil
	return errors.Join(append(errs, p.db.Close())...)
}

// tx runs f in a transaction. Statements do not watch ctx, which costs each a goroutine: they are short, and a writer of
// another process is waited for as long as busy_timeout says. Lists look at ctx between rows, and what f has done is undone
// when ctx has ended by then.
func (p *pool) tx(ctx context.Context, f func(*Tx) error) error {
	c, err := p.take(ctx)
	if err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	tx := &Tx{ctx: context.WithoutCancel(ctx), until: ctx, sql: c}
	if err := tx.exec(p.begin); err != nil {
		return errors.Join(fmt.Errorf("begin transaction: %w", err), p.drop(c))
	}
	defer p.end(tx) // also when f panics
	if err := f(tx); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return fmt.Errorf("commit transaction: %w", context.Cause(ctx))
	}
	if err := tx.exec("COMMIT"); err != nil {
		return fmt.Errorf("commit transaction: %w", err)
	}
	tx.done = true
	return nil
}

// bare runs f outside of a transaction.
func (p *pool) bare(ctx context.Context, f func(*Tx) error) error {
	c, err := p.take(ctx)
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	defer p.give(c)
	return f(&Tx{ctx: context.WithoutCancel(ctx), until: ctx, sql: c})
}

// end undoes what is not committed.
func (p *pool) end(tx *Tx) {
	if !tx.done && tx.exec("ROLLBACK") != nil {
		p.drop(tx.sql) // which undoes it as well
		return
	}
	p.give(tx.sql)
}

// conn is one connection. It is for one goroutine at a time.
type conn struct {
	*sql.Conn
	prepared map[string]*sql.Stmt // by query; there are only as many as the package has
}

func (c *conn) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	if stmt := c.prepared[query]; stmt != nil {
		return stmt, nil
	}
	stmt, err := c.PrepareContext(ctx, query)
	if err == nil {
		c.prepared[query] = stmt
	}
	return stmt, err
}

func (c *conn) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	stmt, err := c.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	return stmt.ExecContext(ctx, args...)
}

func (c *conn) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	stmt, err := c.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(ctx, args...)
}

func (c *conn) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	stmt, err := c.prepare(ctx, query)
	if err != nil {
		return c.Conn.QueryRowContext(ctx, query, args...) // which meets the same error, and has a place for it
	}
	return stmt.QueryRowContext(ctx, args...)
}
