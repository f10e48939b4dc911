-- FHIR packages that the operator installed: profiles, value sets and search parameters beyond R4.
-- They hold nothing of any patient.
CREATE TABLE records.fhir_package (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  name text NOT NULL,
  version text NOT NULL,
  -- Of the archive as it was handed in.
  sha256 bytea NOT NULL,
  -- The order of installation: where two packages define one url, the later one answers.
  position bigint GENERATED ALWAYS AS IDENTITY,
  installed_at timestamptz NOT NULL,
  installed_by text NOT NULL,
  PRIMARY KEY (tenant, name, version)
);

CREATE TABLE records.fhir_definition (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  package_name text NOT NULL,
  package_version text NOT NULL,
  kind text NOT NULL,
  url text NOT NULL,
  -- Business version; null when it has none.
  version text,
  body text NOT NULL,
  PRIMARY KEY (tenant, package_name, package_version, kind, url),
  FOREIGN KEY (tenant, package_name, package_version)
    REFERENCES records.fhir_package (tenant, name, version) ON DELETE CASCADE
);

ALTER TABLE records.fhir_package ENABLE ROW LEVEL SECURITY;
ALTER TABLE records.fhir_definition ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON records.fhir_package
  USING (tenant = current_setting('phylax.tenant')::uuid);
CREATE POLICY own_tenant ON records.fhir_definition
  USING (tenant = current_setting('phylax.tenant')::uuid);

GRANT SELECT, INSERT, DELETE ON records.fhir_package, records.fhir_definition TO phylax_records;
