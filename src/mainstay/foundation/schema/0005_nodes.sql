-- Several nodes on one database: who is there, and since when somebody holds a lease.

CREATE TABLE nodes_node (                 -- one row for each start of a program, kept a day
  id         TEXT PRIMARY KEY,            -- nod_…
  host       TEXT NOT NULL,
  folder     TEXT NOT NULL,               -- its data folder; locked, so one process at a time
  pid        BIGINT NOT NULL,
  listen     TEXT NOT NULL,               -- host:port
  version    TEXT NOT NULL,
  schema_n   BIGINT NOT NULL,             -- the schema that the program knows
  started_at BIGINT NOT NULL,
  seen_at    BIGINT NOT NULL,             -- its newest heartbeat
  ended_at   BIGINT                       -- it said so itself, or its successor did
);
CREATE INDEX nodes_node_place ON nodes_node (host, folder) WHERE ended_at IS NULL;

ALTER TABLE foundation_lease ADD COLUMN since BIGINT NOT NULL DEFAULT 0;
