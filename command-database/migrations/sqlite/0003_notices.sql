-- How far the log was read for what customers are told.
CREATE TABLE notice_progress (
    name TEXT PRIMARY KEY,
    position INTEGER NOT NULL
) WITHOUT ROWID;
