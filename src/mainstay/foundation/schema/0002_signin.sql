-- People at a screen: the roles they hold, their accounts, sessions and one-time links.

CREATE TABLE people_grant (               -- a role of a person, for one team or every team
  id         TEXT PRIMARY KEY,
  person     TEXT NOT NULL,
  role       TEXT NOT NULL,
  team       TEXT,                        -- NULL: every team
  origin     TEXT NOT NULL,               -- hand; oidc: follows the groups of the provider
  granted_at BIGINT NOT NULL,
  granted_by TEXT NOT NULL,
  ended_at   BIGINT,
  ended_by   TEXT
);
CREATE UNIQUE INDEX people_grant_once ON people_grant (person, role, COALESCE(team, ''))
  WHERE ended_at IS NULL;

CREATE INDEX people_grant_person ON people_grant (person);

ALTER TABLE people_address ADD COLUMN added_by TEXT;      -- NULL: before it was kept
ALTER TABLE people_address ADD COLUMN verified_at BIGINT; -- its owner has answered from there

CREATE TABLE people_proof (               -- a code that was sent to an address; only its SHA-256
  address    TEXT PRIMARY KEY REFERENCES people_address (id),
  digest     TEXT NOT NULL,
  made_at    BIGINT NOT NULL,
  tries      BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE signin_account (             -- somebody who may sign in to the console
  person      TEXT PRIMARY KEY,
  declared    BIGINT NOT NULL,            -- 1: the estate has named them; then it must go on to
  password    TEXT,                       -- Argon2id; NULL: single sign-on only
  password_at BIGINT,
  totp        TEXT,                       -- the secret in force, base 32
  totp_next   TEXT,                       -- one that is being set up
  totp_step   BIGINT,                     -- the newest time step that was used: none counts twice
  made_at     BIGINT NOT NULL,
  made_by     TEXT NOT NULL,
  closed_at   BIGINT
);

CREATE TABLE signin_recovery (            -- recovery codes; only the SHA-256 is kept
  digest  TEXT PRIMARY KEY,
  person  TEXT NOT NULL,
  used_at BIGINT
);
CREATE INDEX signin_recovery_person ON signin_recovery (person);

CREATE TABLE signin_identity (            -- who a person is at a provider of single sign-on
  issuer  TEXT NOT NULL,
  subject TEXT NOT NULL,
  person  TEXT NOT NULL,
  made_at BIGINT NOT NULL,
  PRIMARY KEY (issuer, subject)
);

CREATE TABLE signin_session (             -- somebody signed in; only the SHA-256 of the id is kept
  id       TEXT PRIMARY KEY,
  digest   TEXT NOT NULL UNIQUE,
  person   TEXT NOT NULL,
  how      TEXT NOT NULL,                 -- password, link, oidc
  made_at  BIGINT NOT NULL,
  seen_at  BIGINT NOT NULL,
  address  TEXT NOT NULL,                 -- of the newest request noted
  device   TEXT NOT NULL,
  hint     TEXT,                          -- the provider's ID token: needed to sign out there
  ended_at BIGINT,
  because  TEXT
);
CREATE INDEX signin_session_person ON signin_session (person) WHERE ended_at IS NULL;

CREATE TABLE signin_link (                -- one-time links: set-up, invitation, new password
  digest     TEXT PRIMARY KEY,
  kind       TEXT NOT NULL,               -- setup, invite, reset
  person     TEXT,                        -- NULL for setup: they say who they are
  made_at    BIGINT NOT NULL,
  made_by    TEXT NOT NULL,
  expires_at BIGINT NOT NULL,
  ended_at   BIGINT                       -- used, or replaced by a newer one
);

CREATE TABLE signin_try (                 -- a try to sign in that has not succeeded
  id      TEXT PRIMARY KEY,
  account TEXT NOT NULL,                  -- the name that was given, also one that nobody has
  source  TEXT NOT NULL,                  -- the address that it came from
  at      BIGINT NOT NULL
);
CREATE INDEX signin_try_account ON signin_try (account, at);
CREATE INDEX signin_try_source ON signin_try (source, at);
