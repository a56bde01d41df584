-- The functions that append and look up receipts. A later migration that needs other parameters adds a function with
-- another name and leaves these, because older binaries still call them.

-- What a command wrote: its first event and those after it up to the next commit, with one array element for each
-- stream.
CREATE FUNCTION event_receipt(command uuid)
RETURNS TABLE (
    first_position bigint,
    last_position bigint,
    recorded_at timestamptz,
    operation text,
    stream_types text[],
    stream_ids text[],
    stream_versions integer[]
)
LANGUAGE sql STABLE AS $$
    SELECT f.id, written.last_position, f.created_at, f.event_metadata ->> 'operation',
           written.types, written.ids, written.versions
    FROM (SELECT e.id, e.created_at, e.event_metadata FROM events e
          WHERE e.command_id = command LIMIT 1) f
    CROSS JOIN LATERAL (
        -- A commit holds at most 1,000 events.
        SELECT coalesce(
            (SELECT n.id FROM events n
             WHERE n.id > f.id AND n.id <= f.id + 1000 AND n.command_id IS NOT NULL
             ORDER BY n.id LIMIT 1),
            f.id + 1000) AS id
    ) following
    CROSS JOIN LATERAL (
        SELECT max(s.last_id) AS last_position,
               array_agg(s.aggregate_type ORDER BY s.first_id) AS types,
               array_agg(s.aggregate_id ORDER BY s.first_id) AS ids,
               array_agg(s.version ORDER BY s.first_id) AS versions
        FROM (SELECT e.aggregate_type, e.aggregate_id, max(e.event_version) AS version,
                     min(e.id) AS first_id, max(e.id) AS last_id
              FROM events e WHERE e.id >= f.id AND e.id < following.id
              GROUP BY e.aggregate_type, e.aggregate_id) s
    ) written
$$;

-- Appends a batch and validates each commit by itself, in order; later commits see the accepted ones before them.
--
-- All arrays are flat and refer to each other by ordinals from 1; 0 is none. Streams, leases and writes are numbered
-- over the batch. The writes of commit c have the ordinals above write_end[c - 1] up to write_end[c].
--
-- The guarantees depend on the order of the statements. The first one takes the lock of the log and holds it until the
-- commit; each later one has its own snapshot, taken after the wait, so it sees what other writers have committed. In
-- the same statement as the lock, the checks would use a snapshot from before the wait and accept a conflicting commit.
--
-- Returns outcome 1: accepted at position detail; 2: the stream of write detail has another version; 3: fenced; 4:
-- stored before at position detail; 5: the same command as commit detail of this batch. stream_version is, for each
-- write with events of an accepted commit, the version of its stream after it, and for a write with outcome 2 the
-- actual version.
CREATE FUNCTION append_events(
    stream_type text[], stream_id text[],
    lease_name text[],
    -- For each commit. same_as is the ordinal of the batch's first commit with the same command id.
    command uuid[], same_as integer[], recorded_at timestamptz[],
    fence_lease integer[], fence_token bigint[], commit_events integer[], write_end integer[],
    -- For each write. expected: 1 at version, 2 at version with event follows, 3 exists, 4 any.
    write_stream integer[], expected smallint[], expected_version integer[], follows uuid[],
    write_events integer[], write_last_event uuid[],
    -- For each event. event_index counts in the commit from 0, event_step in the write from 1.
    event_commit integer[], event_write integer[], event_index integer[], event_step integer[],
    event_id uuid[], event_type text[], schema_version integer[], data jsonb[], metadata jsonb[],
    OUT head bigint, OUT outcome smallint[], OUT detail bigint[], OUT stream_version integer[]
)
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
    nil CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
    commits CONSTANT integer := cardinality(command);
    locked boolean;
    old_head bigint;
    tip_version integer[];
    tip_event uuid[];
    stored bigint[];
    token bigint[];
    -- By the ordinal of the first commit with a command id: the accepted commit with that id.
    winner integer[] := array_fill(0, ARRAY[commits]);
    first_write integer;
    last_write integer := 0;
    c integer;
    w integer;
    s integer;
    v integer;
    stale boolean;
BEGIN
    SELECT l.only_row INTO STRICT locked FROM event_log_lock l WHERE l.only_row FOR NO KEY UPDATE;

    outcome := array_fill(1::smallint, ARRAY[commits]);
    detail := array_fill(0::bigint, ARRAY[commits]);
    stream_version := array_fill(0, ARRAY[cardinality(write_stream)]);

    SELECT array_agg(coalesce(t.event_version, 0) ORDER BY q.n),
           array_agg(coalesce(t.event_id, nil) ORDER BY q.n),
           (SELECT array_agg(coalesce((SELECT e.id FROM events e WHERE e.command_id = f.id), 0)
                             ORDER BY f.n)
            FROM unnest(command) WITH ORDINALITY f (id, n)),
           (SELECT coalesce(max(e.id), 0) FROM events e)
    INTO tip_version, tip_event, stored, old_head
    FROM unnest(stream_type, stream_id) WITH ORDINALITY q (type, id, n)
    LEFT JOIN LATERAL (
        SELECT e.event_version, e.event_id FROM events e
        WHERE e.aggregate_type = q.type AND e.aggregate_id = q.id
        ORDER BY e.event_version DESC LIMIT 1
    ) t ON true;

    IF cardinality(lease_name) > 0 THEN
        -- The row lock prevents that a lease changes its owner before this commit is in the log: the next owner then
        -- sees everything that the previous one could write. Names are sorted, so that locks are always taken in the
        -- same order.
        SELECT array_agg(coalesce(l.token, -1) ORDER BY q.n) INTO token
        FROM unnest(lease_name) WITH ORDINALITY q (name, n)
        LEFT JOIN LATERAL (
            SELECT held.token FROM leases held WHERE held.name = q.name FOR SHARE
        ) l ON true;
    END IF;

    head := old_head;
    -- A plpgsql statement in this loop costs about as much as inserting a row into an index, so there are few.
    FOR c IN 1..commits LOOP
        first_write := last_write + 1;
        last_write := write_end[c];
        IF stored[c] > 0 OR winner[same_as[c]] > 0 OR fence_lease[c] > 0 THEN
            IF stored[c] > 0 THEN
                outcome[c] := 4;
                detail[c] := stored[c];
                CONTINUE;
            ELSIF winner[same_as[c]] > 0 THEN
                outcome[c] := 5;
                detail[c] := winner[same_as[c]];
                CONTINUE;
            ELSIF token[fence_lease[c]] <> fence_token[c] THEN
                outcome[c] := 3;
                CONTINUE;
            END IF;
        END IF;
        stale := false;
        FOR w IN first_write..last_write LOOP
            v := tip_version[write_stream[w]];
            stale := CASE expected[w]
                WHEN 1 THEN v <> expected_version[w]
                WHEN 2 THEN v = 0 OR v <> expected_version[w]
                            OR tip_event[write_stream[w]] <> follows[w]
                WHEN 3 THEN v = 0
                WHEN 4 THEN false
            END;
            IF stale THEN
                outcome[c] := 2;
                detail[c] := w;
                stream_version[w] := v;
                EXIT;
            END IF;
        END LOOP;
        CONTINUE WHEN stale;
        FOR w IN first_write..last_write LOOP
            IF write_events[w] > 0 THEN
                s := write_stream[w];
                v := tip_version[s] + write_events[w];
                stream_version[w] := v;
                tip_version[s] := v;
                tip_event[s] := write_last_event[w];
            END IF;
        END LOOP;
        winner[same_as[c]] := c;
        detail[c] := head + 1;
        head := head + commit_events[c];
    END LOOP;

    IF head > old_head THEN
        INSERT INTO events (id, aggregate_type, aggregate_id, event_type, event_data, event_metadata,
                            event_version, created_at, event_id, command_id, schema_version)
        SELECT detail[n.commit] + n.index,
               stream_type[write_stream[n.write]], stream_id[write_stream[n.write]],
               n.type, n.data, n.metadata,
               stream_version[n.write] - write_events[n.write] + n.step,
               recorded_at[n.commit], n.id,
               CASE WHEN n.index = 0 THEN command[n.commit] END,
               n.schema_version
        FROM (
            -- In the target list unnest iterates over the arrays in parallel; in FROM each would be materialized first.
            SELECT unnest(event_commit) AS commit, unnest(event_write) AS write,
                   unnest(event_index) AS index, unnest(event_step) AS step,
                   unnest(event_id) AS id, unnest(event_type) AS type,
                   unnest(schema_version) AS schema_version,
                   unnest(data) AS data, unnest(metadata) AS metadata
        ) n
        WHERE outcome[n.commit] = 1;
        PERFORM pg_notify('event_log', append_events.head::text);
    END IF;
END
$$;
