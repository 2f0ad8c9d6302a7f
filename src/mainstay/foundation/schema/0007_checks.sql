-- Checks: what is measured of production, how it stands, and what was measured before.

CREATE TABLE checks_state (               -- one row for each check, or for each of its hosts
  name        TEXT PRIMARY KEY,           -- the check's id, or id@host
  check_id    TEXT NOT NULL,
  host        TEXT,
  service     TEXT NOT NULL,
  state       TEXT NOT NULL,              -- waiting | ok | warn | fail | not seen
  since       BIGINT NOT NULL,
  verdict     TEXT,                       -- of the newest result: ok | warn | fail
  failures    BIGINT NOT NULL,            -- results in a row that were not ok
  at          BIGINT,                     -- when the newest result was measured
  duration_us BIGINT,
  sentence    TEXT NOT NULL,
  facts       TEXT NOT NULL,              -- what was measured, as JSON
  recent      TEXT NOT NULL,              -- the newest verdicts, oldest first, a letter each
  flapping    BIGINT NOT NULL,
  told        TEXT,                       -- of the open alert: warn | fail | not seen
  muted       TEXT                        -- why a failure is told by no alert
);
CREATE INDEX checks_state_check ON checks_state (check_id);
CREATE INDEX checks_state_service ON checks_state (service);
CREATE INDEX checks_state_bad ON checks_state (state) WHERE state IN ('warn', 'fail', 'not seen');

CREATE TABLE checks_result (              -- the history, purged by age
  id          {identity},
  name        TEXT NOT NULL,
  at          BIGINT NOT NULL,
  duration_us BIGINT NOT NULL,
  verdict     TEXT NOT NULL,
  sentence    TEXT NOT NULL,
  facts       TEXT NOT NULL,
  evidence    {bytes}                     -- what was answered, bounded; of a failure, or when asked for
);
CREATE INDEX checks_result_name ON checks_result (name, at);
CREATE INDEX checks_result_at ON checks_result (at);
