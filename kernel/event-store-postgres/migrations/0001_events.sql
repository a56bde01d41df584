-- The log, its lock, leases and snapshots.
--
-- Text is compared by bytes ("C"), so that neither the database's locale nor an upgrade of its rules affects an index.

CREATE TABLE events (
    -- The global position: 1, 2, 3 … without gaps, assigned under the lock on event_log_lock.
    id bigint PRIMARY KEY,
    aggregate_type text COLLATE "C" NOT NULL,
    aggregate_id text COLLATE "C" NOT NULL,
    event_type text COLLATE "C" NOT NULL,
    event_data jsonb NOT NULL,
    event_metadata jsonb NOT NULL,
    -- 1, 2, 3 … inside the stream.
    event_version integer NOT NULL,
    created_at timestamptz NOT NULL,
    -- Derived from the command id and the event's index in its commit, and never searched for, so it needs no index.
    event_id uuid NOT NULL,
    -- Set on the first event of each commit and on no other.
    command_id uuid,
    schema_version integer NOT NULL,
    UNIQUE (aggregate_type, aggregate_id, event_version)
);

-- Each index slows every append: there is no fourth one, and no table of streams.
CREATE UNIQUE INDEX events_command_id_key ON events (command_id) WHERE command_id IS NOT NULL;

-- One row that is never updated: the transaction that holds its lock is the one that appends. The head is the highest
-- id of events. A row with the head would leave a dead version at each append, and while a long query such as a dump
-- prevents vacuum, every append and every reader would have to scan all of them.
CREATE TABLE event_log_lock (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row)
);

INSERT INTO event_log_lock DEFAULT VALUES;

CREATE TABLE leases (
    name text COLLATE "C" PRIMARY KEY,
    owner text COLLATE "C" NOT NULL,
    expires_at timestamptz NOT NULL,
    -- Never decreases. A released lease keeps its row, because a new row would restart at token 1.
    token bigint NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE snapshots (
    aggregate_type text COLLATE "C" NOT NULL,
    aggregate_id text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    schema_version integer NOT NULL,
    state jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    UNIQUE (aggregate_type, aggregate_id, schema_version)
);
