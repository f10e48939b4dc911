-- Finding a Patient among all patients without opening any: keyed hashes of what she is looked up
-- by. docs/keys.md tells what each column gives away.
CREATE TABLE records.blind_index (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  version integer NOT NULL,
  -- Which index: the place in the program's list, from 1.
  kind smallint NOT NULL,
  token bigint NOT NULL,
  -- The patient's pseudonym.
  compartment uuid NOT NULL,
  PRIMARY KEY (tenant, version, kind, token, compartment)
);
-- Not led by the tenant, whom a pseudonym implies.
CREATE INDEX blind_index_of_patient ON records.blind_index (compartment);

-- One row a tenant: which version is searched, and which is being built beside it. A writer holds
-- it shared while it writes a Patient's rows, so that a version begins and ends between writes.
CREATE TABLE records.blind_setting (
  tenant uuid PRIMARY KEY DEFAULT current_setting('phylax.tenant')::uuid,
  -- Null until the first version is built.
  current_version integer,
  -- Of the organisation's data key, from which the version's keys are drawn.
  current_dek integer,
  -- By which rules labels are made: a program of other rules builds anew.
  current_rules integer,
  -- Bits that a token keeps, one for each kind.
  current_bits smallint[],
  building_version integer,
  building_dek integer,
  building_rules integer,
  building_bits smallint[]
);

-- How far each build has come, so that one that was cut off goes on where it was.
CREATE TABLE records.blind_build (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  version integer NOT NULL,
  -- Id of the last Patient that was indexed.
  after_id text COLLATE "C" NOT NULL,
  done bigint NOT NULL,
  -- Patients there were when it began.
  total bigint NOT NULL,
  started_at timestamptz NOT NULL,
  ended_at timestamptz,
  PRIMARY KEY (tenant, version)
);

ALTER TABLE records.blind_index ENABLE ROW LEVEL SECURITY;
ALTER TABLE records.blind_setting ENABLE ROW LEVEL SECURITY;
ALTER TABLE records.blind_build ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON records.blind_index
  USING (tenant = current_setting('phylax.tenant')::uuid);
CREATE POLICY own_tenant ON records.blind_setting
  USING (tenant = current_setting('phylax.tenant')::uuid);
CREATE POLICY own_tenant ON records.blind_build
  USING (tenant = current_setting('phylax.tenant')::uuid);

GRANT SELECT, INSERT, DELETE ON records.blind_index TO phylax_records;
GRANT SELECT, INSERT, UPDATE ON records.blind_setting, records.blind_build TO phylax_records;

-- A patient whose key is destroyed must not be guessed from her index rows. In the transaction that
-- says so, whoever writes it: the keeper needs no right to the index.
CREATE FUNCTION records.forget_shredded() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  -- Whoever is writing rows holds this shared: what they write is there to be deleted then, and
  -- who comes after sees that the patient was shredded.
  PERFORM FROM records.blind_setting WHERE tenant = NEW.tenant FOR UPDATE;
  DELETE FROM records.blind_index
  WHERE tenant = NEW.tenant AND compartment = NEW.compartment::uuid;
  RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION records.forget_shredded() FROM PUBLIC;
CREATE TRIGGER forget_shredded AFTER INSERT ON keyring.shredded
  FOR EACH ROW EXECUTE FUNCTION records.forget_shredded();
