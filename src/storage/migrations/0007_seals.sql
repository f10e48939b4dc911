-- How often each data key has sealed: random nonces bear so many uses and no more (NIST SP 800-38D
-- §8.3), and whoever counts must not forget when a process ends.
ALTER TABLE keyring.data_key ADD COLUMN seals bigint NOT NULL DEFAULT 0 CHECK (seals >= 0);
GRANT UPDATE (seals) ON keyring.data_key TO phylax_records;

-- Re-sealing puts the same content under a newer key of the same patient. All else of a former
-- version stays as it is.
GRANT UPDATE (dek_version, sealed) ON records.resource_history TO phylax_records;
