-- Appends a batch as a whole if the log matches what its commits assume; otherwise writes nothing.
--
-- The process has validated the commits against each other and passes what that depends on: for each stream a version
-- from lowest to highest and, unless null, the id of its last event; for each lease its token; and that no command is
-- in the log yet. These assumptions are verified here as sets. If one is wrong, nothing is written and the caller uses
-- append_events, which validates each commit.
--
-- The guarantees depend on the order of the statements, as in append_events: the first one takes the lock of the log
-- and holds it until the commit; each later one has its own snapshot, taken after the wait.
--
-- Returns the head before the batch, or null if nothing was written, and the version of each stream at that head.
CREATE FUNCTION append_batch_optimistic(
    stream_type text[], stream_id text[], lowest integer[], highest integer[], follows uuid[],
    lease_name text[], lease_token bigint[],
    -- The distinct metadata of the batch's events.
    metadata jsonb[],
    -- For each event, in order of position. row_stream and row_metadata are ordinals from 1; row_step counts from the
    -- version that the stream had; row_command is set only on the first event of a commit.
    row_stream integer[], row_step integer[], row_event uuid[], row_command uuid[], row_type text[],
    row_schema integer[], row_at timestamptz[], row_data jsonb[], row_metadata integer[],
    OUT head bigint, OUT tip integer[]
)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    locked boolean;
    agreed boolean;
BEGIN
    SELECT l.only_row INTO STRICT locked FROM event_log_lock l WHERE l.only_row FOR NO KEY UPDATE;

    IF cardinality(lease_name) > 0 THEN
        -- The row lock prevents that a lease changes its owner before this commit is in the log: the next owner then
        -- sees everything that the previous one could write. Names are sorted, so that locks are always taken in the
        -- same order.
        SELECT bool_and(l.token IS NOT DISTINCT FROM q.token) INTO agreed
        FROM unnest(lease_name, lease_token) q (name, token)
        LEFT JOIN LATERAL (
            SELECT held.token FROM leases held WHERE held.name = q.name FOR SHARE
        ) l ON true;
        IF NOT agreed THEN
            RETURN;
        END IF;
    END IF;

    SELECT (SELECT coalesce(max(e.id), 0) FROM events e),
           array_agg(coalesce(t.event_version, 0)),
           bool_and(coalesce(t.event_version, 0) BETWEEN q.lowest AND q.highest
                    AND (q.follows IS NULL OR q.follows = t.event_id))
           AND NOT EXISTS (SELECT FROM events e WHERE e.command_id = ANY (row_command))
    INTO head, tip, agreed
    FROM (
        -- In the target list unnest iterates over the arrays in parallel; in FROM each would be materialized first.
        SELECT unnest(stream_type) AS type, unnest(stream_id) AS id,
               unnest(append_batch_optimistic.lowest) AS lowest, unnest(append_batch_optimistic.highest) AS highest,
               unnest(append_batch_optimistic.follows) AS follows
    ) q
    LEFT JOIN LATERAL (
        -- The lower bound keeps the index scan from reading older events of the stream as well.
        SELECT e.event_version, e.event_id FROM events e
        WHERE e.aggregate_type = q.type AND e.aggregate_id = q.id AND e.event_version >= q.lowest
        ORDER BY e.event_version DESC LIMIT 1
    ) t ON true;
    IF NOT agreed THEN
        head := NULL;
        RETURN;
    END IF;

    INSERT INTO events (id, aggregate_type, aggregate_id, event_type, event_data, event_metadata,
                        event_version, created_at, event_id, command_id, schema_version)
    SELECT head + n.ordinal,
           stream_type[n.stream], stream_id[n.stream], n.type, n.data, metadata[n.metadata_index],
           tip[n.stream] + n.step, n.at, n.event, n.command, n.schema
    FROM (
        SELECT generate_series(1, cardinality(row_stream)) AS ordinal,
               unnest(row_stream) AS stream, unnest(row_step) AS step, unnest(row_event) AS event,
               unnest(row_command) AS command, unnest(row_type) AS type, unnest(row_schema) AS schema,
               unnest(row_at) AS at, unnest(row_data) AS data, unnest(row_metadata) AS metadata_index
    ) n;
    PERFORM pg_notify('event_log', (head + cardinality(row_stream))::text);
END
$$;
