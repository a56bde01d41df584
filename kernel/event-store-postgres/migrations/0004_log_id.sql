-- Identifies this log, so that a checkpoint can record the log that it belongs to. A copy of the database has the same
-- id.
CREATE TABLE event_log_id (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    id uuid NOT NULL DEFAULT gen_random_uuid()
);

INSERT INTO event_log_id DEFAULT VALUES;
