-- The progress of each event handler: every event up to the position was handled or belongs to a parked stream. The ids
-- of the log and of the event at the position identify the log; null before the first write. The token is that of the
-- lease under which it is written.
CREATE TABLE event_handlers (
    name text PRIMARY KEY,
    token bigint NOT NULL,
    position bigint NOT NULL,
    log_id text,
    event_id text
);

-- Streams with an event that could not be handled, and that event. Times are in microseconds since 1970.
CREATE TABLE parked_streams (
    handler text NOT NULL,
    stream_type text NOT NULL,
    stream_id text NOT NULL,
    position bigint NOT NULL,
    version bigint NOT NULL,
    event_type text NOT NULL,
    reason text NOT NULL,
    parked_at bigint NOT NULL,
    decisions bigint NOT NULL,
    PRIMARY KEY (handler, stream_type, stream_id)
);
