-- +goose Up

-- What lists show of a service, and what a start of the server looks for among very many, without their records.
ALTER TABLE services ADD COLUMN url TEXT;
ALTER TABLE services ADD COLUMN created INTEGER NOT NULL DEFAULT 0; -- epoch milliseconds
ALTER TABLE services ADD COLUMN updated INTEGER NOT NULL DEFAULT 0; -- epoch milliseconds
ALTER TABLE services ADD COLUMN image TEXT;                         -- digest that is deployed; NULL if none is
-- The deployed version, which is as large as all the rest, and which clients never see; NULL if there is none.
ALTER TABLE services ADD COLUMN deployed TEXT;

UPDATE services SET
    url      = json_extract(record, '$.service.ServiceUrl'),
    created  = round(1000 * json_extract(record, '$.service.CreatedAt')),
    updated  = round(1000 * json_extract(record, '$.service.UpdatedAt')),
    image    = nullif(json_extract(record, '$.deployed.image'), ''),
    deployed = json_extract(record, '$.deployed'),
    record   = json_remove(record, '$.deployed');

-- A page of a list lies together in it, where its records fill a page of the file each. The ARN follows from the rest.
-- SQLite answers from an index alone when that has every column that the query names, deleted too.
DROP INDEX services_list;
CREATE INDEX services_list ON services (account, region, seq, name, id, url, created, updated, status, deleted) WHERE deleted IS NULL;
CREATE INDEX services_status ON services (status);
CREATE INDEX services_image ON services (image, deleted) WHERE image IS NOT NULL AND deleted IS NULL;

-- +goose Down
DROP INDEX services_list;
CREATE INDEX services_list ON services (account, region, seq) WHERE deleted IS NULL;
DROP INDEX services_image;
DROP INDEX services_status;
UPDATE services SET record = json_set(record, '$.deployed', json(deployed)) WHERE deployed IS NOT NULL;
ALTER TABLE services DROP COLUMN deployed;
ALTER TABLE services DROP COLUMN image;
ALTER TABLE services DROP COLUMN updated;
ALTER TABLE services DROP COLUMN created;
ALTER TABLE services DROP COLUMN url;
