-- When the key was created, by the server's clock, which decides when it expires. In SQLite: the total running time of the
-- shop at that moment.
ALTER TABLE idempotent_requests ADD COLUMN ran_at bigint NOT NULL DEFAULT 0;
