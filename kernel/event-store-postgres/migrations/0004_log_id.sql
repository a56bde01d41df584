-- Names this log, so that a checkpoint can say which log it is of. A copy of the database keeps it.
CREATE TABLE event_log_id (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    id uuid NOT NULL DEFAULT gen_random_uuid()
);

INSERT INTO event_log_id DEFAULT VALUES;
