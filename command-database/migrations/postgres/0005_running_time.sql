-- The server's clock decides, so that this is when the key was made, by that clock. In SQLite it is for how long the shop
-- had run then.
ALTER TABLE idempotent_requests ADD COLUMN ran_at bigint NOT NULL DEFAULT 0;
