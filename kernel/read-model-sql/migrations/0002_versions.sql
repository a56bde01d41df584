-- The id of the log and the id of the event at the checkpoint. Null before the first page.
ALTER TABLE read_model_generations ADD COLUMN log_id text;
ALTER TABLE read_model_generations ADD COLUMN event_id text;

-- 1 after the rows have reached the head of the log once.
ALTER TABLE read_model_generations ADD COLUMN caught_up bigint NOT NULL DEFAULT 0;

-- The generation that binaries of a schema version fold and read. The view shows the one in read_model_active.
CREATE TABLE read_model_versions (
    projection text NOT NULL,
    schema_version bigint NOT NULL,
    generation bigint NOT NULL,
    PRIMARY KEY (projection, schema_version)
);

INSERT INTO read_model_versions (projection, schema_version, generation)
SELECT projection, schema_version, max(generation) FROM read_model_generations GROUP BY projection, schema_version;
