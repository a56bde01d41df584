-- A key is forgotten only after the shop has run for as long as the clock says that has passed: the clock may have been
-- set while it was down. Microseconds for which it had run when the key was made.
ALTER TABLE idempotent_requests ADD COLUMN ran_at integer NOT NULL DEFAULT 0;

-- For how long the shop has run in all, in microseconds.
CREATE TABLE running_time (
    only_row integer PRIMARY KEY CHECK (only_row = 1),
    micros   integer NOT NULL
);
