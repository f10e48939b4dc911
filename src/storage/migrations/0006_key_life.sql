-- Rotation, shredding and restoring are an operator's work and have a database role of their own.
-- The records process, which anyone on the network can reach through the gateway, loses the right
-- to replace a wrapped key.
REVOKE UPDATE (kek_epoch, wrapped) ON keyring.data_key FROM phylax_records;

GRANT USAGE ON SCHEMA keyring TO phylax_keeper;
GRANT SELECT, INSERT, DELETE ON keyring.data_key TO phylax_keeper;
GRANT UPDATE (kek_epoch, wrapped) ON keyring.data_key TO phylax_keeper;

-- A rotation changes every row once. With room in each page the new version stays beside the old
-- one and the primary key's index is left alone.
ALTER TABLE keyring.data_key SET (fillfactor = 45);

-- Patients whose keys were destroyed, so that a record of theirs is told apart from a damaged one.
CREATE TABLE keyring.shredded (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  -- The patient's pseudonym.
  compartment text COLLATE "C" NOT NULL CHECK (length(compartment) = 36),
  at timestamptz NOT NULL,
  reason text NOT NULL,
  officer text NOT NULL,
  second_officer text NOT NULL,
  -- The newest KEK epoch that may have wrapped the keys: while the ring has it, a copy of the old
  -- rows would still open.
  last_epoch integer NOT NULL CHECK (last_epoch > 0),
  -- Null until every epoch up to last_epoch is gone from the ring and from its newest backup.
  finished_at timestamptz,
  PRIMARY KEY (tenant, compartment)
);

-- No key wrapped under an epoch below this is taken any more: set before old epochs are destroyed,
-- or a key made just before would be stored just after, and be lost.
CREATE TABLE keyring.epoch_floor (
  tenant uuid PRIMARY KEY DEFAULT current_setting('phylax.tenant')::uuid,
  epoch integer NOT NULL CHECK (epoch > 0)
);

ALTER TABLE keyring.shredded ENABLE ROW LEVEL SECURITY;
ALTER TABLE keyring.epoch_floor ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON keyring.shredded
  USING (tenant = current_setting('phylax.tenant')::uuid);
CREATE POLICY own_tenant ON keyring.epoch_floor
  USING (tenant = current_setting('phylax.tenant')::uuid);

GRANT SELECT ON keyring.shredded, keyring.epoch_floor TO phylax_records;
GRANT SELECT, INSERT ON keyring.shredded TO phylax_keeper;
GRANT UPDATE (finished_at) ON keyring.shredded TO phylax_keeper;
GRANT SELECT, INSERT ON keyring.epoch_floor TO phylax_keeper;
GRANT UPDATE (epoch) ON keyring.epoch_floor TO phylax_keeper;

-- A key that came too late is refused as a conflict (serialization_failure): who tries again asks
-- for one under the newest epoch, or finds the patient shredded.
CREATE FUNCTION keyring.admit_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.kek_epoch < (SELECT epoch FROM keyring.epoch_floor WHERE tenant = NEW.tenant) THEN
    RAISE EXCEPTION 'this KEK epoch is about to be destroyed' USING ERRCODE = '40001';
  END IF;
  IF EXISTS (SELECT FROM keyring.shredded
             WHERE tenant = NEW.tenant AND compartment = NEW.compartment) THEN
    RAISE EXCEPTION 'this compartment was shredded' USING ERRCODE = '40001';
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER admit_key BEFORE INSERT ON keyring.data_key
  FOR EACH ROW WHEN (current_user = 'phylax_records') EXECUTE FUNCTION keyring.admit_key();

-- Identity's own key is rewrapped with all others; of its secrets the keeper sees that row alone.
GRANT USAGE ON SCHEMA identity TO phylax_keeper;
GRANT SELECT, INSERT ON identity.secret TO phylax_keeper;
GRANT UPDATE (sealed) ON identity.secret TO phylax_keeper;
CREATE POLICY wrapped_key_only ON identity.secret AS RESTRICTIVE TO phylax_keeper
  USING (name = 'wrapped-key') WITH CHECK (name = 'wrapped-key');
