-- How checks stood, hour by hour: kept long after their looks are purged.

CREATE TABLE checks_hour (                -- one row for each check and whole hour, from the looks in it
  name    TEXT NOT NULL,
  hour    BIGINT NOT NULL,                -- when it began
  ok_us   BIGINT NOT NULL,                -- so long it was seen to be well
  warn_us BIGINT NOT NULL,
  fail_us BIGINT NOT NULL,                -- the rest of the hour nobody knows of
  PRIMARY KEY (name, hour)
);
CREATE INDEX checks_hour_hour ON checks_hour (hour);
