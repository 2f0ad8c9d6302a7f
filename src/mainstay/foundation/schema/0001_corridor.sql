-- The corridor. Times are microseconds since 1970 (UTC); flags are 0/1; JSON is TEXT that only
-- Python reads. Each table belongs to the room that its name starts with.

-- foundation -----------------------------------------------------------------------------------

CREATE TABLE foundation_record (          -- the one append-only record: decisions, timeline, audit
  seq            {identity},
  at             BIGINT NOT NULL,
  actor          TEXT NOT NULL,           -- person:ana, source:prometheus, token:…, mainstay
  kind           TEXT NOT NULL,           -- alert.opened, page.sent, incident.acknowledged …
  subject        TEXT NOT NULL,           -- the id of what it happened to
  incident       TEXT,                    -- the incident whose timeline shows it
  receipt        TEXT,                    -- the signal that caused it
  because        TEXT NOT NULL,           -- one sentence for a person
  facts          TEXT NOT NULL,           -- JSON object for a program
  estate_version BIGINT NOT NULL,
  seal           BIGINT                   -- the seal that covers it; NULL: not sealed yet
);
CREATE INDEX foundation_record_subject ON foundation_record (subject, seq);
CREATE INDEX foundation_record_incident ON foundation_record (incident, seq) WHERE incident IS NOT NULL;
CREATE INDEX foundation_record_receipt ON foundation_record (receipt, seq) WHERE receipt IS NOT NULL;
CREATE INDEX foundation_record_unsealed ON foundation_record (seq) WHERE seal IS NULL;

CREATE TABLE foundation_seal (            -- a chain: each digest covers the one before
  number BIGINT PRIMARY KEY,
  at     BIGINT NOT NULL,
  rows_n BIGINT NOT NULL,
  digest TEXT NOT NULL                    -- hex SHA-256
);

CREATE TABLE foundation_due (             -- what must happen at an instant; leased, then deleted
  kind       TEXT NOT NULL,
  key        TEXT NOT NULL,
  due_at     BIGINT NOT NULL,             -- when to look next: the plan, or the end of a lease
  planned_at BIGINT NOT NULL,             -- when it was meant to happen
  facts      TEXT NOT NULL,
  tries      BIGINT NOT NULL DEFAULT 0,   -- claims so far
  owner      TEXT,                        -- who holds the lease
  token      BIGINT NOT NULL DEFAULT 0,   -- grows with each plan and claim: a stale worker's is refused
  PRIMARY KEY (kind, key)
);
CREATE INDEX foundation_due_next ON foundation_due (kind, due_at);

CREATE TABLE foundation_lease (           -- one owner at a time, with a fencing token
  name  TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  until BIGINT NOT NULL,
  token BIGINT NOT NULL
);

CREATE TABLE foundation_mark (            -- small facts about this install: alive_at, counters
  name  TEXT PRIMARY KEY,
  value BIGINT NOT NULL
);

-- estate ---------------------------------------------------------------------------------------

CREATE TABLE estate_version (             -- immutable; the newest is in force
  version    BIGINT PRIMARY KEY,
  at         BIGINT NOT NULL,
  actor      TEXT NOT NULL,
  digest     TEXT NOT NULL,
  body       TEXT NOT NULL                -- the compiled estate, JSON
);

-- people ---------------------------------------------------------------------------------------

CREATE TABLE people_address (             -- where a person can be reached
  id         TEXT PRIMARY KEY,
  person     TEXT NOT NULL,
  kind       TEXT NOT NULL,               -- mail, webhook, slack, ntfy, sms
  address    TEXT NOT NULL,
  secret     TEXT,                        -- a reference (env:NAME, file:PATH), never the secret
  created_at BIGINT NOT NULL,
  removed_at BIGINT
);
CREATE UNIQUE INDEX people_address_once ON people_address (person, kind, address) WHERE removed_at IS NULL;

CREATE TABLE people_rule (                -- when to use which address
  id         TEXT PRIMARY KEY,
  person     TEXT NOT NULL,
  urgency    TEXT NOT NULL,               -- high, low
  delay_s    BIGINT NOT NULL,
  address    TEXT NOT NULL REFERENCES people_address (id),
  created_at BIGINT NOT NULL,
  UNIQUE (person, urgency, delay_s, address)
);

CREATE TABLE people_token (               -- API tokens; only the SHA-256 is kept
  id           TEXT PRIMARY KEY,
  digest       TEXT NOT NULL UNIQUE,
  person       TEXT NOT NULL,
  role         TEXT NOT NULL,
  team         TEXT,                      -- NULL: every team
  about        TEXT NOT NULL,
  created_at   BIGINT NOT NULL,
  expires_at   BIGINT,
  last_used_at BIGINT,
  revoked_at   BIGINT
);

-- signals --------------------------------------------------------------------------------------

CREATE TABLE signals_key (                -- intake keys, one or more per source
  id           TEXT PRIMARY KEY,
  digest       TEXT NOT NULL UNIQUE,
  source       TEXT NOT NULL,
  created_at   BIGINT NOT NULL,
  created_by   TEXT NOT NULL,
  revoked_at   BIGINT
);

CREATE TABLE signals_request (            -- one row per request that we said 2xx to (or kept as bad)
  receipt        TEXT PRIMARY KEY,
  received_at    BIGINT NOT NULL,
  source         TEXT NOT NULL,
  format         TEXT NOT NULL,
  estate_version BIGINT NOT NULL,
  headers        TEXT NOT NULL,           -- allow-listed, JSON
  items_n        BIGINT NOT NULL,
  state          TEXT NOT NULL,           -- waiting, settled, quarantined
  tries          BIGINT NOT NULL DEFAULT 0,
  problem        TEXT,                    -- why it, or some of its items, were not settled
  body           {bytes} NOT NULL         -- as received, credentials blanked; last, for it may be long
);
CREATE INDEX signals_request_waiting ON signals_request (receipt, items_n, received_at)
  WHERE state = 'waiting';
CREATE INDEX signals_request_problem ON signals_request (receipt) WHERE problem IS NOT NULL;
CREATE INDEX signals_request_received ON signals_request (received_at);

-- alerts ---------------------------------------------------------------------------------------

CREATE TABLE alerts_alert (
  id               TEXT PRIMARY KEY,
  source           TEXT NOT NULL,
  dedup_key        TEXT NOT NULL,
  service          TEXT NOT NULL,
  severity         TEXT NOT NULL,         -- critical, error, warning, info
  summary          TEXT NOT NULL,
  labels           TEXT NOT NULL,         -- JSON object of text
  annotations      TEXT NOT NULL,
  url              TEXT,
  started_at       BIGINT NOT NULL,       -- by the source's clock
  opened_at        BIGINT NOT NULL,       -- ours
  last_at          BIGINT NOT NULL,       -- last time the source spoke of it
  expires_at       BIGINT,
  repeats          BIGINT NOT NULL DEFAULT 0,
  source_state     TEXT NOT NULL,         -- firing, resolved: what the source says
  source_acked     BIGINT NOT NULL DEFAULT 0,
  state            TEXT NOT NULL,         -- open, resolved, expired, by_hand
  closed_at        BIGINT,
  silence          TEXT,                  -- the silence that mutes it now
  incident         TEXT,
  first_receipt    TEXT NOT NULL,
  last_receipt     TEXT NOT NULL,
  estate_version   BIGINT NOT NULL
);
CREATE UNIQUE INDEX alerts_alert_open ON alerts_alert (source, dedup_key) WHERE closed_at IS NULL;
CREATE INDEX alerts_alert_key ON alerts_alert (source, dedup_key, opened_at, id);
CREATE INDEX alerts_alert_list ON alerts_alert (opened_at, id) WHERE closed_at IS NULL;
CREATE INDEX alerts_alert_expiry ON alerts_alert (expires_at) WHERE closed_at IS NULL AND expires_at IS NOT NULL;
CREATE INDEX alerts_alert_incident ON alerts_alert (incident, opened_at, id) WHERE incident IS NOT NULL;
CREATE INDEX alerts_alert_firing ON alerts_alert (incident) WHERE closed_at IS NULL;
CREATE INDEX alerts_alert_silence ON alerts_alert (silence) WHERE silence IS NOT NULL;

CREATE TABLE alerts_silence (
  id         TEXT PRIMARY KEY,
  matchers   TEXT NOT NULL,               -- JSON array of {name, op, value}
  starts_at  BIGINT NOT NULL,
  ends_at    BIGINT NOT NULL,
  author     TEXT NOT NULL,
  reason     TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  ended_at   BIGINT                       -- ended early by hand, or noticed as over
);
CREATE INDEX alerts_silence_live ON alerts_silence (ends_at) WHERE ended_at IS NULL;

-- incidents ------------------------------------------------------------------------------------

CREATE TABLE incidents_incident (
  id               TEXT PRIMARY KEY,
  number           BIGINT NOT NULL UNIQUE,
  correlation_key  TEXT NOT NULL,
  service          TEXT NOT NULL,         -- the first alert's
  title            TEXT NOT NULL,
  state            TEXT NOT NULL,         -- new, investigating, mitigating, monitoring, on_hold, resolved, closed
  hold             TEXT,                  -- caller, change, problem, vendor
  severity         TEXT NOT NULL,         -- the worst of its alerts
  priority         TEXT NOT NULL,
  assignee         TEXT,
  opened_at        BIGINT NOT NULL,
  resolved_at      BIGINT,
  closed_at        BIGINT,
  acked_by         TEXT,
  acked_at         BIGINT,
  acked_until      BIGINT,                -- NULL with acked_by: until resolved
  acked_severity   TEXT,                  -- the worst that was acknowledged
  estate_version   BIGINT NOT NULL
);
CREATE UNIQUE INDEX incidents_incident_open ON incidents_incident (correlation_key) WHERE resolved_at IS NULL;
CREATE INDEX incidents_incident_key ON incidents_incident (correlation_key, resolved_at);
CREATE INDEX incidents_incident_list ON incidents_incident (opened_at, id);

CREATE TABLE incidents_service (          -- which services an incident touches, and since when
  incident     TEXT NOT NULL,
  service      TEXT NOT NULL,
  joined_at    BIGINT NOT NULL,           -- the first alert
  last_at      BIGINT NOT NULL,           -- the newest alert
  open         BIGINT NOT NULL,           -- 1 while the incident is: so that the next line can be unique
  PRIMARY KEY (incident, service)
);
CREATE UNIQUE INDEX incidents_service_open ON incidents_service (service) WHERE open = 1;

-- paging ---------------------------------------------------------------------------------------

CREATE TABLE paging_escalation (          -- one policy running for one incident
  id             TEXT PRIMARY KEY,
  incident       TEXT NOT NULL,
  policy         TEXT NOT NULL,
  estate_version BIGINT NOT NULL,         -- the version it began under
  started_at     BIGINT NOT NULL,         -- `after` of its steps counts from here
  step           BIGINT NOT NULL,         -- the next step, 0-based
  round          BIGINT NOT NULL,         -- how often the step, or the whole, was repeated
  shadow         BIGINT NOT NULL,
  reason         TEXT NOT NULL,
  state          TEXT NOT NULL,           -- running, stopped, exhausted
  ended_at       BIGINT
);
CREATE UNIQUE INDEX paging_escalation_running ON paging_escalation (incident, policy) WHERE state = 'running';
CREATE INDEX paging_escalation_incident ON paging_escalation (incident);

CREATE TABLE paging_send (                -- the outbox: one page to one address of one person
  id              TEXT PRIMARY KEY,
  escalation      TEXT,                   -- NULL: paged by hand
  incident        TEXT NOT NULL,
  person          TEXT NOT NULL,
  address         TEXT NOT NULL,          -- people_address.id
  channel         TEXT NOT NULL,
  idempotency_key TEXT NOT NULL UNIQUE,
  step            BIGINT NOT NULL,        -- 0-based; -1: paged by hand
  round           BIGINT NOT NULL,        -- of the step, counted over repeats
  reason          TEXT NOT NULL,
  urgency         TEXT NOT NULL,          -- high, low
  severity        TEXT NOT NULL,          -- of the incident when it was planned
  created_at      BIGINT NOT NULL,
  due_at          BIGINT NOT NULL,
  state           TEXT NOT NULL,          -- waiting, sending, sent, failed, cancelled, bundled, shadow
  tries           BIGINT NOT NULL DEFAULT 0,
  repeats         BIGINT NOT NULL DEFAULT 0,  -- copies sent because an outcome was unknown
  attempted_at    BIGINT,                 -- the newest try
  sent_at         BIGINT,
  provider_id     TEXT,
  answer          TEXT,                   -- the provider's last word
  bundle          TEXT                    -- the send that carried it, when bundled
);
CREATE INDEX paging_send_incident ON paging_send (incident, created_at);
CREATE INDEX paging_send_escalation ON paging_send (escalation, step, round);
CREATE INDEX paging_send_limit ON paging_send (address, attempted_at);
CREATE INDEX paging_send_bundle ON paging_send (bundle) WHERE bundle IS NOT NULL;
CREATE INDEX paging_send_waiting ON paging_send (address) WHERE state = 'waiting';
CREATE INDEX paging_send_created ON paging_send (created_at);

CREATE TABLE paging_feed (                -- what a webhook has been told of an incident so far
  incident TEXT NOT NULL,
  address  TEXT NOT NULL,
  person   TEXT NOT NULL,
  upto_at  BIGINT NOT NULL,               -- the newest alert told: its opened_at …
  upto_id  TEXT NOT NULL,                 -- … and id
  tells    BIGINT NOT NULL DEFAULT 0,     -- updates sent
  PRIMARY KEY (incident, address)
);

CREATE TABLE paging_link (                -- single-use acknowledge links; only the SHA-256 is kept
  digest     TEXT PRIMARY KEY,
  send       TEXT NOT NULL,
  incident   TEXT NOT NULL,
  person     TEXT NOT NULL,
  expires_at BIGINT NOT NULL,
  used_at    BIGINT
);

CREATE TABLE paging_turn (                -- round robin: whose turn is next
  policy TEXT NOT NULL,
  step   BIGINT NOT NULL,
  turn   BIGINT NOT NULL,
  PRIMARY KEY (policy, step)
);

-- oncall ---------------------------------------------------------------------------------------

CREATE TABLE oncall_override (            -- takes effect at once; wins over every layer
  id         TEXT PRIMARY KEY,
  schedule   TEXT NOT NULL,
  person     TEXT NOT NULL,               -- who takes it
  instead_of TEXT,                        -- only this person's shifts (a swap); NULL: everybody's
  starts_at  BIGINT NOT NULL,
  ends_at    BIGINT NOT NULL,
  author     TEXT NOT NULL,
  reason     TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  removed_at BIGINT
);
CREATE INDEX oncall_override_when ON oncall_override (schedule, ends_at) WHERE removed_at IS NULL;

-- changes --------------------------------------------------------------------------------------

CREATE TABLE changes_event (              -- what changed, as told by senders
  id         TEXT PRIMARY KEY,
  source     TEXT NOT NULL,
  service    TEXT,
  summary    TEXT NOT NULL,
  at         BIGINT NOT NULL,
  facts      TEXT NOT NULL,
  receipt    TEXT NOT NULL
);
CREATE INDEX changes_event_at ON changes_event (at);
