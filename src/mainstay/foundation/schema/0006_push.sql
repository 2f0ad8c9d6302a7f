-- Pages pushed to a browser: what its push service and it gave us, and our own key (decision 0013).

CREATE TABLE people_device (              -- a browser; its address is the name that its owner gave it
  address  TEXT PRIMARY KEY REFERENCES people_address (id),
  endpoint TEXT NOT NULL UNIQUE,          -- the push service's URL for it: whoever knows it can call it
  key      TEXT NOT NULL,                 -- its public key, base64url
  secret   TEXT NOT NULL                  -- its authentication secret, base64url
);

CREATE TABLE paging_push_key (            -- the private key that every push of this install is signed with
  number  BIGINT PRIMARY KEY,             -- 1: there is one
  private TEXT NOT NULL,
  made_at BIGINT NOT NULL
);
