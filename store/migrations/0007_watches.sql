-- +goose Up

-- What services that deploy by themselves have seen of the place that they are deployed from.
CREATE TABLE watches (
    arn    TEXT PRIMARY KEY, -- of the service
    record TEXT NOT NULL
);
CREATE INDEX services_watched ON services (arn)
    WHERE deleted IS NULL AND json_extract(record, '$.service.SourceConfiguration.AutoDeploymentsEnabled');

-- +goose Down
DROP INDEX services_watched;
DROP TABLE watches;
