-- What patients' Consents forbid, sealed under the organisation's key, so that the records process
-- can hold all of it in memory and ask nobody while it decides.
CREATE TABLE records.consent_rule (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  -- Id of the Consent.
  source text COLLATE "C" NOT NULL,
  -- The patient's pseudonym.
  patient uuid NOT NULL,
  -- Of records.consent_epoch when it was written: who has read up to one reads what came after.
  epoch bigint NOT NULL,
  -- It forbids nothing any more: kept so that whoever holds the older rule learns that it went.
  silent boolean NOT NULL,
  dek_version integer,
  -- Null where it is not silent: nobody has read the Consent yet, and it is taken to forbid all.
  sealed bytea,
  PRIMARY KEY (tenant, source)
);
CREATE INDEX consent_rule_since ON records.consent_rule (epoch, source);
CREATE INDEX consent_rule_of_patient ON records.consent_rule (patient);

-- One row a tenant. A writer of rules holds it until it commits, so that none is committed after a
-- later one.
CREATE TABLE records.consent_epoch (
  tenant uuid PRIMARY KEY DEFAULT current_setting('phylax.tenant')::uuid,
  epoch bigint NOT NULL
);

ALTER TABLE records.consent_rule ENABLE ROW LEVEL SECURITY;
ALTER TABLE records.consent_epoch ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON records.consent_rule
  USING (tenant = current_setting('phylax.tenant')::uuid);
CREATE POLICY own_tenant ON records.consent_epoch
  USING (tenant = current_setting('phylax.tenant')::uuid);
GRANT SELECT, INSERT, UPDATE ON records.consent_rule, records.consent_epoch TO phylax_records;

-- Consents from before: forbidding all until written anew, as nothing here can open them.
INSERT INTO records.consent_rule (tenant, source, patient, epoch, silent)
SELECT tenant, id, compartment, 1, false FROM records.resource
WHERE type = 'Consent' AND NOT deleted AND compartment IS NOT NULL;
INSERT INTO records.consent_epoch (tenant, epoch)
SELECT DISTINCT tenant, 1 FROM records.consent_rule;

-- What a patient forbade is no longer kept once her key is destroyed: the organisation's would open it.
CREATE FUNCTION records.forget_consents() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  DELETE FROM records.consent_rule
  WHERE tenant = NEW.tenant AND patient = NEW.compartment::uuid;
  RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION records.forget_consents() FROM PUBLIC;
CREATE TRIGGER forget_consents AFTER INSERT ON keyring.shredded
  FOR EACH ROW EXECUTE FUNCTION records.forget_consents();

-- Which resource an entry says was written, "Observation/17"; null for all other entries. Read out of
-- the leaf, as the other columns are.
ALTER TABLE audit.entry ADD COLUMN written text COLLATE "C";
UPDATE audit.entry SET written = (convert_from(leaf, 'UTF8')::json ->> 'resourceType') || '/' ||
    (convert_from(leaf, 'UTF8')::json ->> 'resourceId')
WHERE decision = 'permit' AND action IN ('create', 'update', 'delete', 'import', 'merge', 'unmerge');
-- "Who wrote this resource", and "what was written of this patient".
CREATE INDEX entry_written ON audit.entry (patient, written) WHERE written IS NOT NULL;
-- The log as a whole, newest first. Entries come in the order of time, so it grows at one end only.
CREATE INDEX entry_time ON audit.entry (time, log_id, seq);
