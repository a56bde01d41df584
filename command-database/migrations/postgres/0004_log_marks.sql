-- Which log a position is of: the log's id, and the id of the event there. Null in rows from before this step, and where
-- the log was empty or could not be asked.
ALTER TABLE notice_progress ADD COLUMN log_id text;
ALTER TABLE notice_progress ADD COLUMN event_id text;

-- The log's head when the answer was kept, which is at or after all that the answer tells of.
ALTER TABLE idempotent_requests ADD COLUMN log_id text;
ALTER TABLE idempotent_requests ADD COLUMN position bigint;
ALTER TABLE idempotent_requests ADD COLUMN event_id text;
