-- Signed checkpoints of the record: where the chain stood, in a form that is kept outside as well.

CREATE TABLE foundation_checkpoint (
  number    BIGINT PRIMARY KEY,           -- 1, 2, 3 …: a line that is missing outside shows
  seal      BIGINT NOT NULL UNIQUE,       -- the newest seal that it covers
  rows_n    BIGINT NOT NULL,              -- rows under all seals up to that one
  head      TEXT NOT NULL,                -- that seal's digest
  at        BIGINT NOT NULL,
  key       TEXT NOT NULL,                -- the public key, ed25519:BASE64
  signature TEXT NOT NULL                 -- BASE64
);
