-- How far each event handler is: everything up to the position is done, or part of a parked stream. The log's id and the
-- id of the event there say of which log that is; null before the first write. The token is that of the lease under which
-- it is written.
CREATE TABLE event_handlers (
    name text PRIMARY KEY,
    token bigint NOT NULL,
    position bigint NOT NULL,
    log_id text,
    event_id text
);

-- Streams whose event could not be handled, and where each of them stands. Times are microseconds since 1970.
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
