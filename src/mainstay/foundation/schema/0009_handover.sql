-- The shift: checklists that are signed for, handovers that are accepted, what is left to follow up.

CREATE TABLE handover_run (               -- a checklist on one business day
  id             TEXT PRIMARY KEY,        -- clr_…
  checklist      TEXT NOT NULL,
  day            TEXT NOT NULL,           -- the business day, YYYY-MM-DD
  team           TEXT NOT NULL,
  estate_version BIGINT NOT NULL,         -- its items are those of this version
  opened_at      BIGINT NOT NULL,
  due_at         BIGINT NOT NULL,
  state          TEXT NOT NULL,           -- open, half signed, signed, missed
  due_state      TEXT,                    -- how it stood when it was due
  due_because    TEXT,
  alarmed        BIGINT NOT NULL DEFAULT 0,
  evidence       TEXT,                    -- JSON as it was signed; never changed after
  evidence_hash  TEXT,                    -- its SHA-256, hex; in the record too
  ended_at       BIGINT,
  UNIQUE (checklist, day)
);
CREATE INDEX handover_run_open ON handover_run (checklist, due_at) WHERE ended_at IS NULL;
CREATE INDEX handover_run_due ON handover_run (due_at);

CREATE TABLE handover_item (              -- what a person said of an item, or how it stood when due
  run       TEXT NOT NULL REFERENCES handover_run (id),
  item      TEXT NOT NULL,
  state     TEXT,                         -- ok, failing; NULL: not answered
  because   TEXT,
  answers   TEXT NOT NULL DEFAULT '{}',    -- JSON: what was typed in, by name
  author    TEXT,
  at        BIGINT,
  due_state TEXT,                         -- how it stood when the checklist was due
  PRIMARY KEY (run, item)
);

CREATE TABLE handover_file (              -- what was attached
  id      TEXT PRIMARY KEY,               -- clf_…
  run     TEXT NOT NULL REFERENCES handover_run (id),
  item    TEXT NOT NULL,
  field   TEXT NOT NULL,
  name    TEXT NOT NULL,
  media   TEXT NOT NULL,
  size    BIGINT NOT NULL,
  sha256  TEXT NOT NULL,
  content {bytes} NOT NULL,
  author  TEXT NOT NULL,
  at      BIGINT NOT NULL
);
CREATE INDEX handover_file_run ON handover_file (run);

CREATE TABLE handover_signature (
  run    TEXT NOT NULL REFERENCES handover_run (id),
  number BIGINT NOT NULL,                 -- 1, or 2 where two sign
  person TEXT NOT NULL,
  at     BIGINT NOT NULL,
  note   TEXT NOT NULL,
  PRIMARY KEY (run, number)
);

CREATE TABLE handover_waiver (            -- an item counts as done, for a reason, until an end
  id        TEXT PRIMARY KEY,             -- wvr_…
  checklist TEXT NOT NULL,
  item      TEXT NOT NULL,
  owner     TEXT NOT NULL,
  reason    TEXT NOT NULL,
  starts_at BIGINT NOT NULL,
  ends_at   BIGINT NOT NULL,              -- ended by hand: when
  author    TEXT NOT NULL
);
CREATE INDEX handover_waiver_of ON handover_waiver (checklist, ends_at);

CREATE TABLE handover_handover (          -- from one shift of a team to the next
  id           TEXT PRIMARY KEY,          -- hov_…
  team         TEXT NOT NULL,
  shift        TEXT NOT NULL,             -- the one that ends
  starts_at    BIGINT NOT NULL,           -- when it began
  ends_at      BIGINT NOT NULL,
  next_shift   TEXT,                      -- the one that takes over
  next_at      BIGINT,                    -- when that begins
  state        TEXT NOT NULL,             -- draft, offered, accepted, lapsed
  said         TEXT NOT NULL DEFAULT '',  -- what the leaver adds, in their words
  offered_by   TEXT,
  offered_at   BIGINT,
  accepted_by  TEXT,
  accepted_at  BIGINT,
  note         TEXT NOT NULL DEFAULT '',  -- what the taker says to it
  content      TEXT,                      -- JSON as it was accepted; never changed after
  content_hash TEXT,
  alarmed      BIGINT NOT NULL DEFAULT 0,
  UNIQUE (team, shift, starts_at)
);
CREATE INDEX handover_handover_newest ON handover_handover (team, ends_at);

CREATE TABLE handover_followup (          -- what is left to do
  id      TEXT PRIMARY KEY,               -- fup_…
  team    TEXT NOT NULL,
  text    TEXT NOT NULL,
  owner   TEXT,
  author  TEXT NOT NULL,
  at      BIGINT NOT NULL,
  done_by TEXT,
  done_at BIGINT
);
CREATE INDEX handover_followup_open ON handover_followup (team) WHERE done_at IS NULL;
