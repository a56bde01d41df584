-- A generation is one table of a projection: its schema version, its checkpoint, and the lease token of the runner that
-- may move it.
CREATE TABLE read_model_generations (
    projection text NOT NULL,
    generation bigint NOT NULL,
    schema_version bigint NOT NULL,
    position bigint NOT NULL,
    token bigint NOT NULL,
    parked_position bigint,
    parked_reason text,
    PRIMARY KEY (projection, generation)
);

-- The generation that the view of a projection selects from.
CREATE TABLE read_model_active (
    projection text PRIMARY KEY,
    generation bigint NOT NULL
);

-- A released or expired lease keeps its row, because its token must never decrease.
CREATE TABLE read_model_leases (
    name text PRIMARY KEY,
    owner text NOT NULL,
    token bigint NOT NULL,
    expires_at bigint NOT NULL
);
