-- +goose Up

-- Who asked for the operation to be cancelled; NULL while nobody has. It is no part of the record, because whoever runs the
-- operation writes that without having read it again.
ALTER TABLE operations ADD COLUMN cancelled TEXT;

-- The deployments that a service can go back to.
CREATE TABLE deployments (
    seq    INTEGER PRIMARY KEY AUTOINCREMENT,
    id     TEXT NOT NULL UNIQUE, -- of the operation that made it
    arn    TEXT NOT NULL,        -- of the service
    image  TEXT NOT NULL,        -- digest
    record TEXT NOT NULL
);
CREATE INDEX deployments_list ON deployments (arn, seq);
CREATE INDEX deployments_image ON deployments (image);

-- Of older versions the one that a service has now is known.
INSERT INTO deployments (id, arn, image, record)
    SELECT json_extract(deployed, '$.id'), s.arn, image, json_object(
        'type', coalesce(json_extract(o.record, '$.summary.Type'), 'CREATE_SERVICE'),
        'at', coalesce(json_extract(o.record, '$.summary.EndedAt'), updated / 1000.0),
        'deployment', json(deployed))
    FROM services s LEFT JOIN operations o ON o.id = json_extract(deployed, '$.id')
    WHERE deployed IS NOT NULL AND image IS NOT NULL AND deleted IS NULL ORDER BY s.seq;

-- +goose Down
DROP TABLE deployments;
ALTER TABLE operations DROP COLUMN cancelled;
