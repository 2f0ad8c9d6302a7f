-- Secrets that must be read again lie here sealed, under a key that does not (decision 0014).

CREATE TABLE foundation_sealing (         -- the key that they are sealed under; one row, once there is any
  number  BIGINT PRIMARY KEY,             -- 1
  key     TEXT NOT NULL,                  -- its id: part of its SHA-256, no part of it
  canary  TEXT NOT NULL                   -- words that everybody knows, sealed: whoever opens them has the key
);
