-- Identifies this log, so that a checkpoint can record the log that it belongs to. A copy of the file has the same id.
CREATE TABLE event_log_id (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    id TEXT NOT NULL
) STRICT;

-- Random bytes in the form of a UUID.
INSERT INTO event_log_id (only_row, id)
SELECT 1, substr(hex, 1, 8) || '-' || substr(hex, 9, 4) || '-4' || substr(hex, 14, 3) || '-8' || substr(hex, 18, 3)
    || '-' || substr(hex, 21, 12)
FROM (SELECT lower(hex(randomblob(16))) AS hex);
