-- The log's head when the answer was kept, which is at or after all that the answer tells of: the log's id, and the id of
-- the event there. Null where the log was empty or could not be asked.
ALTER TABLE idempotent_requests ADD COLUMN log_id text;
ALTER TABLE idempotent_requests ADD COLUMN position bigint;
ALTER TABLE idempotent_requests ADD COLUMN event_id text;
