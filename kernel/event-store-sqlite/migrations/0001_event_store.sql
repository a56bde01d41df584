-- The log. id is the global position, assigned by the writer without gaps. created_at is RFC 3339 text in microseconds.
CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    aggregate_type TEXT NOT NULL,
    aggregate_id TEXT NOT NULL,
    event_version INTEGER NOT NULL,
    event_type TEXT NOT NULL,
    schema_version INTEGER NOT NULL,
    event_id TEXT NOT NULL,
    command_id TEXT,
    created_at TEXT NOT NULL,
    event_metadata TEXT NOT NULL,
    event_data TEXT NOT NULL
) STRICT;

CREATE UNIQUE INDEX events_stream ON events (aggregate_type, aggregate_id, event_version);

-- command_id is set on the first event of each commit. The index finds the receipt of a repeat, and as a last resort
-- prevents that a command takes effect twice.
CREATE UNIQUE INDEX events_command ON events (command_id) WHERE command_id IS NOT NULL;

CREATE TABLE snapshots (
    aggregate_type TEXT NOT NULL,
    aggregate_id TEXT NOT NULL,
    schema_version INTEGER NOT NULL,
    version INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (aggregate_type, aggregate_id, schema_version)
) STRICT;

-- A released or expired lease keeps its row, because its token must never decrease. expires_at_us is in microseconds
-- since 1970.
CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    token INTEGER NOT NULL,
    expires_at_us INTEGER NOT NULL
) STRICT;

-- The oldest binary schema that can use this database. A migration that older binaries cannot work with raises it.
CREATE TABLE event_store_schema (
    oldest_binary INTEGER NOT NULL
) STRICT;

INSERT INTO event_store_schema (oldest_binary) VALUES (2);
