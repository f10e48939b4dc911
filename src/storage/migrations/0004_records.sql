GRANT USAGE ON SCHEMA records TO phylax_records;

-- The newest version of every resource. What stands in the clear is listed in docs/keys.md.
CREATE TABLE records.resource (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  type text NOT NULL,
  id text COLLATE "C" NOT NULL,
  -- The patient's pseudonym; null for the organisation's own resources.
  compartment uuid,
  version integer NOT NULL CHECK (version > 0),
  last_updated timestamptz NOT NULL,
  deleted boolean NOT NULL,
  dek_version integer NOT NULL,
  -- Keyed per patient, so equal values of two patients do not look equal.
  tokens bigint[] NOT NULL,
  content_mac bytea NOT NULL,
  sealed bytea NOT NULL,
  PRIMARY KEY (tenant, type, id)
)
-- Up to a page, rows stay whole: most resources are of 1 to 5 KB, and fetching them from the side
-- table of large values costs a second look-up.
WITH (toast_tuple_target = 8160);

-- Ciphertext does not compress; trying costs a quarter of the insert.
ALTER TABLE records.resource ALTER COLUMN sealed SET STORAGE EXTERNAL;

-- Not led by the tenant, whom a pseudonym implies: while the table is small, a look-up by id must
-- not find this index as good as the primary key, for the plan that it makes then is kept.
CREATE INDEX resource_of_patient ON records.resource (compartment, type, last_updated DESC);

-- Every version that a newer one replaced; never changed.
CREATE TABLE records.resource_history (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  type text NOT NULL,
  id text COLLATE "C" NOT NULL,
  compartment uuid,
  version integer NOT NULL,
  last_updated timestamptz NOT NULL,
  deleted boolean NOT NULL,
  dek_version integer NOT NULL,
  sealed bytea NOT NULL,
  PRIMARY KEY (tenant, type, id, version)
);
ALTER TABLE records.resource_history ALTER COLUMN sealed SET STORAGE EXTERNAL;

-- Who cares for whom, from the active CareTeam resources: `source` is the CareTeam's id.
CREATE TABLE records.care_relation (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  practitioner text COLLATE "C" NOT NULL,
  patient uuid NOT NULL,
  source text COLLATE "C" NOT NULL,
  starts_at timestamptz NOT NULL,
  ends_at timestamptz NOT NULL,
  PRIMARY KEY (tenant, practitioner, patient, source, starts_at)
);
CREATE INDEX care_relation_of_source ON records.care_relation (tenant, source);

ALTER TABLE records.resource ENABLE ROW LEVEL SECURITY;
ALTER TABLE records.resource_history ENABLE ROW LEVEL SECURITY;
ALTER TABLE records.care_relation ENABLE ROW LEVEL SECURITY;

CREATE POLICY own_tenant ON records.resource
  USING (tenant = current_setting('phylax.tenant')::uuid);
CREATE POLICY own_tenant ON records.resource_history
  USING (tenant = current_setting('phylax.tenant')::uuid);
CREATE POLICY own_tenant ON records.care_relation
  USING (tenant = current_setting('phylax.tenant')::uuid);

GRANT SELECT, INSERT, UPDATE ON records.resource TO phylax_records;
GRANT SELECT, INSERT ON records.resource_history TO phylax_records;
GRANT SELECT, INSERT, DELETE ON records.care_relation TO phylax_records;
