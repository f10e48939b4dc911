-- The log: rows are only ever added. Who writes it may neither change nor remove them.

CREATE TABLE audit.log (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  origin text NOT NULL UNIQUE,
  -- Only this database role may append to the log or take its lease.
  writer name NOT NULL DEFAULT current_user
);

-- Which process may append just now. The one table here that changes: a takeover raises the epoch,
-- and every append holds the row FOR SHARE at the epoch it believes in.
CREATE TABLE audit.lease (
  log_id integer PRIMARY KEY REFERENCES audit.log,
  epoch bigint NOT NULL,
  holder uuid NOT NULL,
  taken_at timestamptz NOT NULL DEFAULT now()
);

-- No foreign key to audit.log here and below: it would cost a look-up for each entry, and row level
-- security already admits only the writer's own logs.
CREATE TABLE audit.entry (
  log_id integer NOT NULL,
  -- Leaf index in the Merkle tree: 0, 1, 2 … without a gap.
  seq bigint NOT NULL,
  -- The canonical bytes (RFC 8785) that the tree holds; all columns after leaf_hash are read out of them.
  leaf bytea NOT NULL,
  leaf_hash bytea NOT NULL,
  -- Milliseconds since the epoch, as in the leaf.
  time bigint NOT NULL,
  action text NOT NULL,
  decision text NOT NULL,
  actor text,
  device text,
  client text,
  address text,
  patient uuid,
  signal text,
  PRIMARY KEY (log_id, seq)
);

-- "Who has seen this patient", newest first.
CREATE INDEX entry_patient ON audit.entry (patient, time) WHERE patient IS NOT NULL;
-- "Which patients' data did this actor, device, client or address get between t1 and t2", from the
-- index alone.
CREATE INDEX entry_actor ON audit.entry (actor, time) INCLUDE (patient)
  WHERE patient IS NOT NULL AND decision = 'permit';
CREATE INDEX entry_device ON audit.entry (device, time) INCLUDE (patient)
  WHERE patient IS NOT NULL AND decision = 'permit';
CREATE INDEX entry_client ON audit.entry (client, time) INCLUDE (patient)
  WHERE patient IS NOT NULL AND decision = 'permit';
CREATE INDEX entry_address ON audit.entry (address, time) INCLUDE (patient)
  WHERE patient IS NOT NULL AND decision = 'permit';
-- The breach part follows alarms.
CREATE INDEX entry_signal ON audit.entry (log_id, seq) WHERE signal IS NOT NULL;

-- Full hash tiles only (C2SP tlog-tiles, height 8: 256 hashes of 32 bytes), so that none is ever
-- rewritten; the right edge is computed from the entries.
CREATE TABLE audit.tile (
  log_id integer NOT NULL,
  level smallint NOT NULL,
  index bigint NOT NULL,
  hashes bytea NOT NULL CHECK (length(hashes) = 8192),
  PRIMARY KEY (log_id, level, index)
);

-- One for each batch of entries, written with it.
CREATE TABLE audit.checkpoint (
  log_id integer NOT NULL,
  -- Number of entries that it vouches for.
  size bigint NOT NULL,
  -- The signed note (C2SP tlog-checkpoint).
  note text NOT NULL,
  PRIMARY KEY (log_id, size)
);

-- One-use DPoP proofs (RFC 9449 §11.1), kept until they would be too old anyway. No part of the log.
CREATE TABLE audit.used_proof (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  -- SHA-256 over the key's thumbprint and the proof's jti.
  proof bytea NOT NULL,
  -- Milliseconds since the epoch.
  expires_at bigint NOT NULL,
  PRIMARY KEY (tenant, proof)
);
CREATE INDEX used_proof_expiry ON audit.used_proof (expires_at);

ALTER TABLE audit.log ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit.lease ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit.entry ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit.tile ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit.checkpoint ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit.used_proof ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON audit.log
  USING (tenant = current_setting('phylax.tenant')::uuid)
  WITH CHECK (tenant = current_setting('phylax.tenant')::uuid AND writer = current_user);
CREATE POLICY tenant ON audit.used_proof
  USING (tenant = current_setting('phylax.tenant')::uuid);
CREATE POLICY own ON audit.lease
  USING (log_id = ANY (ARRAY(SELECT id FROM audit.log WHERE writer = current_user)));

-- Each ARRAY(…) is computed once for a statement, not for each row. What audit.log shows is already
-- the tenant's alone.
DO $$
DECLARE
  part text;
BEGIN
  FOREACH part IN ARRAY ARRAY['entry', 'tile', 'checkpoint'] LOOP
    EXECUTE format(
      'CREATE POLICY append ON audit.%I FOR INSERT TO phylax_records, phylax_identity '
      'WITH CHECK (log_id = ANY (ARRAY(SELECT id FROM audit.log WHERE writer = current_user)))', part);
    EXECUTE format(
      'CREATE POLICY read_all ON audit.%I FOR SELECT TO phylax_records, phylax_auditor '
      'USING (log_id = ANY (ARRAY(SELECT id FROM audit.log)))', part);
    EXECUTE format(
      'CREATE POLICY read_own ON audit.%I FOR SELECT TO phylax_identity '
      'USING (log_id = ANY (ARRAY(SELECT id FROM audit.log WHERE writer = current_user)))', part);
  END LOOP;
END
$$;

GRANT USAGE ON SCHEMA audit TO phylax_records, phylax_identity, phylax_auditor;
GRANT SELECT ON audit.log, audit.entry, audit.tile, audit.checkpoint
  TO phylax_records, phylax_identity, phylax_auditor;
GRANT INSERT ON audit.entry, audit.tile, audit.checkpoint TO phylax_records, phylax_identity;
GRANT INSERT (origin) ON audit.log TO phylax_records, phylax_identity;
GRANT SELECT, INSERT, UPDATE ON audit.lease TO phylax_records, phylax_identity;
GRANT SELECT, INSERT, DELETE ON audit.used_proof TO phylax_records, phylax_identity;
