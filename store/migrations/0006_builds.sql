-- +goose Up

-- The images that were built from source, by what they were built from.
CREATE TABLE builds (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    service TEXT NOT NULL, -- id
    key     TEXT NOT NULL, -- says all that the image depends on
    image   TEXT NOT NULL, -- digest; it need not be on the machine any more
    UNIQUE (service, key)
);

-- +goose Down
DROP TABLE builds;
