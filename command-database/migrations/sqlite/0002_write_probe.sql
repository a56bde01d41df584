-- One row that is updated periodically while the process is idle, to check that writing works.
CREATE TABLE write_probe (
    only_row integer PRIMARY KEY CHECK (only_row = 1),
    probes   bigint  NOT NULL
);
