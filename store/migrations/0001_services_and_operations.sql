-- +goose Up
CREATE TABLE services (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    arn     TEXT NOT NULL UNIQUE,
    id      TEXT NOT NULL UNIQUE,
    account TEXT NOT NULL,
    region  TEXT NOT NULL,
    name    TEXT NOT NULL,
    status  TEXT NOT NULL,
    deleted INTEGER, -- epoch milliseconds; NULL while the service exists
    record  TEXT NOT NULL
);
-- A name may be taken again as soon as its service is DELETED, while the old record stays describable.
CREATE UNIQUE INDEX services_name ON services (account, region, name) WHERE deleted IS NULL;
CREATE INDEX services_list ON services (account, region, seq) WHERE deleted IS NULL;
CREATE INDEX services_deleted ON services (deleted) WHERE deleted IS NOT NULL;

CREATE TABLE operations (
    seq    INTEGER PRIMARY KEY AUTOINCREMENT,
    id     TEXT NOT NULL UNIQUE,
    arn    TEXT NOT NULL, -- of the service it works on
    ended  INTEGER,       -- epoch milliseconds; NULL while there is work left
    record TEXT NOT NULL
);
CREATE INDEX operations_list ON operations (arn, seq);
CREATE INDEX operations_open ON operations (seq) WHERE ended IS NULL;

CREATE TABLE tags (
    arn   TEXT NOT NULL,
    key   TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (arn, key)
) WITHOUT ROWID;

-- +goose Down
DROP TABLE tags;
DROP TABLE operations;
DROP TABLE services;
