-- Heartbeats: what is expected to ping, how it stands, and the pings (decision 0017).

CREATE TABLE checks_beat (
  id           TEXT PRIMARY KEY,
  name         TEXT NOT NULL,             -- its slug in a ping's path; an id of the estate, or given
  digest       TEXT NOT NULL UNIQUE,      -- SHA-256 of its UUID, which is not stored
  origin       TEXT NOT NULL,             -- estate, api
  service      TEXT,
  severity     TEXT NOT NULL,
  plan         TEXT NOT NULL,             -- when it is expected, JSON
  words        TEXT NOT NULL,             -- what else is declared of it, JSON
  created_at   BIGINT NOT NULL,
  status       TEXT NOT NULL,             -- new, up, down, paused, unseen
  status_at    BIGINT NOT NULL,
  pings_n      BIGINT NOT NULL,
  last_at      BIGINT,
  ok_at        BIGINT,
  runs         TEXT NOT NULL,             -- those that started and have not finished, JSON
  ran_us       BIGINT,
  due_at       BIGINT,
  spared_until BIGINT,                    -- not late before: Mainstay was down after its time
  look_at      BIGINT,                    -- when somebody must look whether it is late
  why          TEXT,
  removed_at   BIGINT
);
CREATE UNIQUE INDEX checks_beat_name ON checks_beat (name) WHERE removed_at IS NULL;
CREATE INDEX checks_beat_look ON checks_beat (look_at) WHERE look_at IS NOT NULL;

CREATE TABLE checks_beat_adopted (        -- UUIDs that jobs had from another system; digests alone
  digest  TEXT PRIMARY KEY,
  beat    TEXT NOT NULL REFERENCES checks_beat (id),
  at      BIGINT NOT NULL
);

CREATE TABLE checks_beat_ping (           -- pings, the newest of each heartbeat
  seq     {identity},
  beat    TEXT NOT NULL,
  at      BIGINT NOT NULL,
  n       BIGINT,                         -- its number there; NULL: nobody has looked at it yet
  kind    TEXT NOT NULL,                  -- success, start, fail, log, ign
  exit    BIGINT,
  rid     TEXT NOT NULL,
  method  TEXT NOT NULL,
  remote  TEXT NOT NULL,
  agent   TEXT NOT NULL,
  took_us BIGINT,
  body_n  BIGINT NOT NULL,                -- bytes that were sent; the body may be cut
  body    {bytes} NOT NULL
);
CREATE INDEX checks_beat_ping_waiting ON checks_beat_ping (seq) WHERE n IS NULL;
CREATE INDEX checks_beat_ping_number ON checks_beat_ping (beat, n);

CREATE TABLE checks_beat_flip (           -- up and down again, for the history
  beat TEXT NOT NULL,
  at   BIGINT NOT NULL,
  up   BIGINT NOT NULL
);
CREATE INDEX checks_beat_flip_beat ON checks_beat_flip (beat, at);

CREATE TABLE checks_beat_seed (           -- what the UUIDs of this install are made from
  number  BIGINT PRIMARY KEY,             -- 1: there is one
  seed    TEXT NOT NULL,                  -- sealed
  made_at BIGINT NOT NULL
);
