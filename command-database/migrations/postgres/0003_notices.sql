-- How far the log was read for what customers are told.
CREATE TABLE notice_progress (
    name text PRIMARY KEY,
    position bigint NOT NULL
);
