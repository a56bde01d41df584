-- The total running time of the shop, in microseconds, when the key was created. A key expires only when both the clock
-- and the running time have advanced far enough, because the clock may have been set while the shop was down.
ALTER TABLE idempotent_requests ADD COLUMN ran_at integer NOT NULL DEFAULT 0;

-- The total running time of the shop, in microseconds.
CREATE TABLE running_time (
    only_row integer PRIMARY KEY CHECK (only_row = 1),
    micros   integer NOT NULL
);
