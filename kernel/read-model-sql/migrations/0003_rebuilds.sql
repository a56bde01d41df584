-- The last rebuild of each schema version of a projection. Its generation, and the one that it replaced, have a negative
-- schema version in read_model_generations while they are not the one that binaries of that version read, so that these do
-- not drop them as superseded. Their tokens are 0 or negative: those of the rebuild's lease, which no token of a live
-- runner equals.
CREATE TABLE read_model_rebuilds (
    projection text NOT NULL,
    schema_version bigint NOT NULL,
    generation bigint NOT NULL,
    -- The generation that was replaced. Null before the first swap.
    previous bigint,
    state text NOT NULL,
    -- 1 if the rows are swapped without a confirmation.
    is_automatic bigint NOT NULL,
    who text NOT NULL,
    reason text NOT NULL,
    -- Unix microseconds.
    requested_at bigint NOT NULL,
    -- JSON: how the rows differed from the live ones. Null before they were compared.
    report text,
    -- Why the last step failed.
    failure text,
    PRIMARY KEY (projection, schema_version)
);
