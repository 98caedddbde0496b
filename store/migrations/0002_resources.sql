-- +goose Up

-- Everything but services that has an ARN: auto scaling and observability configurations, connections, VPC connectors,
-- VPC ingress connections.
CREATE TABLE resources (
    seq      INTEGER PRIMARY KEY AUTOINCREMENT,
    arn      TEXT NOT NULL UNIQUE,
    kind     TEXT NOT NULL, -- as in the ARN
    account  TEXT NOT NULL,
    region   TEXT NOT NULL,
    name     TEXT NOT NULL,
    revision INTEGER NOT NULL, -- 0 for kinds that have none
    service  TEXT,             -- ARN of the one service that it belongs to, if it does
    moving   INTEGER NOT NULL, -- 1 while its status is one that it is to leave by itself
    deleted  INTEGER,          -- epoch milliseconds; NULL while it is in use or may be
    record   TEXT NOT NULL
);
CREATE UNIQUE INDEX resources_name ON resources (account, region, kind, name, revision) WHERE deleted IS NULL;
CREATE INDEX resources_revisions ON resources (account, region, kind, name, revision);
CREATE INDEX resources_list ON resources (account, region, kind, seq) WHERE deleted IS NULL;
CREATE INDEX resources_service ON resources (service) WHERE service IS NOT NULL AND deleted IS NULL;
CREATE INDEX resources_moving ON resources (seq) WHERE moving;
CREATE INDEX resources_deleted ON resources (deleted) WHERE deleted IS NOT NULL;

-- The auto scaling configuration that new services get, once the account and region has been looked at.
CREATE TABLE defaults (
    account TEXT NOT NULL,
    region  TEXT NOT NULL,
    arn     TEXT NOT NULL,
    PRIMARY KEY (account, region)
) WITHOUT ROWID;

-- Which resources each service uses, so that those in use are neither deleted nor searched for in every service's record.
CREATE TABLE links (
    target  TEXT NOT NULL, -- ARN of the resource
    service TEXT NOT NULL, -- ARN of the service
    PRIMARY KEY (target, service)
) WITHOUT ROWID;
CREATE INDEX links_service ON links (service);

INSERT INTO links (target, service)
    SELECT json_extract(record, '$.service.AutoScalingConfigurationSummary.AutoScalingConfigurationArn'), arn
    FROM services WHERE deleted IS NULL;

CREATE TABLE domains (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    name    TEXT NOT NULL UNIQUE, -- in lower case; a name leads to one service of one account
    service TEXT NOT NULL,        -- ARN
    moving  INTEGER NOT NULL,     -- 1 while its status is one that it is to leave by itself
    record  TEXT NOT NULL
);
CREATE INDEX domains_service ON domains (service, seq);
CREATE INDEX domains_moving ON domains (seq) WHERE moving;
