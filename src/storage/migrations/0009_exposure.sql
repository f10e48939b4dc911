-- What the auditor needs to prove the stored rows and to say whom a lost key exposes: hashes of
-- rows and names of keys, but neither ciphertext nor any key.

GRANT USAGE ON SCHEMA records, keyring TO phylax_auditor;

-- Views run with their owner's rights, past row level security, so this one names the tenant itself.
CREATE VIEW records.row_digest WITH (security_barrier) AS
  SELECT type, id, version, deleted, true AS is_current, sha256(sealed) AS digest
  FROM records.resource WHERE tenant = current_setting('phylax.tenant')::uuid
  UNION ALL
  SELECT type, id, version, deleted, false AS is_current, sha256(sealed) AS digest
  FROM records.resource_history WHERE tenant = current_setting('phylax.tenant')::uuid;

GRANT SELECT ON records.row_digest TO phylax_auditor;

GRANT SELECT (tenant, compartment, dek_version, kek_epoch, created_at) ON keyring.data_key
  TO phylax_auditor;

GRANT SELECT (tenant, compartment, at, last_epoch, finished_at) ON keyring.shredded
  TO phylax_auditor;

-- When which key came into memory, by patient, and when epochs began. Such entries are few among all, so that keeping the
-- index costs next to nothing.
CREATE INDEX entry_key ON audit.entry (patient, time)
  WHERE action IN ('unwrap', 'key-create', 'key-rotate');
