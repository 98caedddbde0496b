-- +goose Up

-- Access keys. An account exists by having one; that of the first key is the data directory's own.
CREATE TABLE keys (
    seq       INTEGER PRIMARY KEY AUTOINCREMENT,
    id        TEXT NOT NULL UNIQUE,
    account   TEXT NOT NULL,
    name      TEXT NOT NULL,    -- what its maker calls it; may be empty
    secret    BLOB NOT NULL,    -- sealed
    read_only INTEGER NOT NULL, -- 1 if it may describe and list only
    created   INTEGER NOT NULL, -- epoch milliseconds
    revoked   INTEGER           -- epoch milliseconds; NULL while it may be used
);
CREATE INDEX keys_account ON keys (account, seq);

-- +goose Down
DROP TABLE keys;
