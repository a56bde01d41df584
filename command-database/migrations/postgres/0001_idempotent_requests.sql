-- Requests that carry an Idempotency-Key. Times are Unix microseconds.
CREATE TABLE idempotent_requests (
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
    PRIMARY KEY (principal, key)
);

-- For deleting old rows.
CREATE INDEX idempotent_requests_created_at ON idempotent_requests (created_at);
