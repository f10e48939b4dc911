GRANT USAGE ON SCHEMA keyring TO phylax_records;

-- One data key for each compartment and version, wrapped by the keys process: the database alone
-- can open none. A row that is gone is a record that never opens again, so nobody may delete here.
CREATE TABLE keyring.data_key (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  -- A patient's pseudonym, or 'organisation'.
  compartment text COLLATE "C" NOT NULL CHECK (compartment = 'organisation' OR length(compartment) = 36),
  dek_version integer NOT NULL CHECK (dek_version > 0),
  kek_epoch integer NOT NULL CHECK (kek_epoch > 0),
  wrapped bytea NOT NULL CHECK (octet_length(wrapped) = 60),
  commitment bytea NOT NULL CHECK (octet_length(commitment) = 32),
  created_at timestamptz NOT NULL,
  PRIMARY KEY (tenant, compartment, dek_version)
);

ALTER TABLE keyring.data_key ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON keyring.data_key
  USING (tenant = current_setting('phylax.tenant')::uuid);

GRANT SELECT, INSERT ON keyring.data_key TO phylax_records;
-- Rotation wraps the same key anew; its name, version and commitment stay for ever.
GRANT UPDATE (kek_epoch, wrapped) ON keyring.data_key TO phylax_records;
