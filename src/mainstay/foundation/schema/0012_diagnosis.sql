-- Diagnoses of live incidents: the runs, what people say of their causes, and what to find them by.

CREATE TABLE diagnosis_run (              -- one making of a diagnosis
  id        TEXT PRIMARY KEY,             -- dia_…
  incident  TEXT,                         -- NULL: somebody asked about a service and a time
  service   TEXT NOT NULL,                -- where the symptom is
  since     BIGINT NOT NULL,
  until     BIGINT,                       -- NULL: it was not over
  because   TEXT NOT NULL,                -- why it was made
  asked_at  BIGINT NOT NULL,
  state     TEXT NOT NULL,                -- waiting, reading, made, failed
  step      BIGINT NOT NULL DEFAULT 0,    -- grows with each change of the progress
  progress  TEXT NOT NULL DEFAULT '[]',   -- JSON: each collector and how far it is
  made_at   BIGINT,
  result    TEXT                          -- JSON: the diagnosis, bounded
);
CREATE INDEX diagnosis_run_incident ON diagnosis_run (incident, asked_at) WHERE incident IS NOT NULL;
CREATE INDEX diagnosis_run_open ON diagnosis_run (asked_at) WHERE made_at IS NULL;
CREATE INDEX diagnosis_run_asked ON diagnosis_run (asked_at);

CREATE TABLE diagnosis_verdict (          -- what somebody said of a cause; the last word counts
  incident    TEXT NOT NULL,
  cause       TEXT NOT NULL,              -- the id of the hypothesis
  verdict     TEXT NOT NULL,              -- confirmed, ruled out
  place       TEXT NOT NULL,              -- where it is
  kind        TEXT NOT NULL,
  cause_class TEXT NOT NULL,
  sentence    TEXT NOT NULL,
  person      TEXT NOT NULL,
  at          BIGINT NOT NULL,
  note        TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (incident, cause)
);

CREATE TABLE diagnosis_trait (            -- by what an incident can be found again
  incident TEXT NOT NULL,
  kind     TEXT NOT NULL,                 -- alert, service, log, cause
  value    TEXT NOT NULL,
  at       BIGINT NOT NULL,
  PRIMARY KEY (incident, kind, value)
);
CREATE INDEX diagnosis_trait_value ON diagnosis_trait (kind, value, at);

CREATE INDEX alerts_alert_closed ON alerts_alert (closed_at) WHERE closed_at IS NOT NULL;
