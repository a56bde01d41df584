-- Appends notify on a channel that contains the schema: one database may hold several logs, each in its own schema, and
-- their readers must not wake each other. The channel is event_log_<schema>, truncated to the length of a name; two
-- schemas with a common prefix of that length share it, which only costs a read of the head. The functions are
-- otherwise unchanged.
DO $migration$
DECLARE
    appending record;
    changed text;
BEGIN
    FOR appending IN
        SELECT pg_get_functiondef(p.oid) AS definition
        FROM pg_proc p
        JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname = current_schema()
          AND p.proname IN ('append_events', 'append_batch_optimistic')
    LOOP
        changed := replace(appending.definition, $$pg_notify('event_log',$$,
                           $$pg_notify(('event_log_' || current_schema())::name::text,$$);
        IF changed = appending.definition THEN
            RAISE EXCEPTION 'a function that appends does not notify';
        END IF;
        EXECUTE changed;
    END LOOP;
END
$migration$;
