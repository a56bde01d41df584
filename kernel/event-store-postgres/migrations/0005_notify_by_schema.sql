-- Appends notify on a channel that carries the schema: one database may hold several logs, each in a schema of its own,
-- and their readers do not wake one another. The channel is event_log_<schema>, cut off where a name ends; two schemas
-- that are alike up to there share it, which costs a look at the head and no more. Nothing else of the functions changes.
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
