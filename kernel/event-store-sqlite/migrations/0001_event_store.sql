-- The log. id is the global position: given by the writer, without gap. created_at is RFC 3339 in microseconds.
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

-- Set on the first event of each commit; the backstop of idempotency and its look-up.
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

-- A row stays when its lease ends, because its token only grows. Microseconds since 1970.
CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    token INTEGER NOT NULL,
    expires_at_us INTEGER NOT NULL
) STRICT;

-- The oldest binary schema that this database still serves. A migration that old binaries cannot live with raises it.
CREATE TABLE event_store_schema (
    oldest_binary INTEGER NOT NULL
) STRICT;

INSERT INTO event_store_schema (oldest_binary) VALUES (2);
