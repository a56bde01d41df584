-- The head of the log when the answer was stored, at or after all events of the answer: the log's id, and the position
-- and id of its last event. Null if the log was empty or unavailable.
ALTER TABLE idempotent_requests ADD COLUMN log_id text;
ALTER TABLE idempotent_requests ADD COLUMN position bigint;
ALTER TABLE idempotent_requests ADD COLUMN event_id text;
