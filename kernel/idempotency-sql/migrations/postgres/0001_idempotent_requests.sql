-- Requests that carry an Idempotency-Key. Times are Unix microseconds.
CREATE TABLE IF NOT EXISTS idempotent_requests (
    principal    text COLLATE "C" NOT NULL,
    key          text COLLATE "C" NOT NULL,
    request_hash bytea  NOT NULL,
    -- All command ids of the request are derived from it.
    seed         text   NOT NULL,
    -- The process that executes the request holds this token until the lease expires.
    token        text   NOT NULL,
    lease_until  bigint NOT NULL,
    -- Null until the request is answered.
    answer       bytea,
    created_at   bigint NOT NULL,
    -- The head of the log when the answer was stored, at or after all events of the answer: the log's id, and the position
    -- and id of its last event. Null if the log was empty or unavailable.
    log_id       text,
    position     bigint,
    event_id     text,
    -- When the key was created, by the server's clock, which decides when it expires. In SQLite: the total running time
    -- of the process at that moment.
    ran_at       bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (principal, key)
);

-- For deleting old rows.
CREATE INDEX IF NOT EXISTS idempotent_requests_created_at ON idempotent_requests (created_at);
