-- Requests that carry an Idempotency-Key. Times are Unix microseconds.
CREATE TABLE IF NOT EXISTS idempotent_requests (
    principal    text NOT NULL,
    key          text NOT NULL,
    request_hash blob NOT NULL,
    -- All command ids of the request are derived from it.
    seed         text NOT NULL,
    -- The process that executes the request holds this token until the lease expires.
    token        text NOT NULL,
    lease_until  integer NOT NULL,
    -- Null until the request is answered.
    answer       blob,
    created_at   integer NOT NULL,
    -- The head of the log when the answer was stored, at or after all events of the answer: the log's id, and the position
    -- and id of its last event. Null if the log was empty or unavailable.
    log_id       text,
    position     integer,
    event_id     text,
    -- The total running time of the process, in microseconds, when the key was created. A key expires only when both the
    -- clock and the running time have advanced far enough, because the clock may have been set while the process was down.
    ran_at       integer NOT NULL DEFAULT 0,
    PRIMARY KEY (principal, key)
);

-- For deleting old rows.
CREATE INDEX IF NOT EXISTS idempotent_requests_created_at ON idempotent_requests (created_at);

-- The total running time of the process, in microseconds.
CREATE TABLE IF NOT EXISTS running_time (
    only_row integer PRIMARY KEY CHECK (only_row = 1),
    micros   integer NOT NULL
);
