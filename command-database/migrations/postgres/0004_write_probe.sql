-- One row that is written again and again while nothing else is, to see whether writing works.
CREATE TABLE write_probe (
    only_row integer PRIMARY KEY CHECK (only_row = 1),
    probes   bigint  NOT NULL
);
