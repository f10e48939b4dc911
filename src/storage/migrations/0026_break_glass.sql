-- Charts that clinicians opened in an emergency, every version of each. Whose chart, by whom and until
-- when stand in the clear, since they decide who may look; why, and what the officer found, are sealed
-- under the patient's key.
CREATE TABLE records.break_glass (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  id uuid NOT NULL,
  version integer NOT NULL CHECK (version > 0),
  -- The patient's pseudonym.
  compartment uuid NOT NULL,
  account uuid NOT NULL,
  opened_at timestamptz NOT NULL,
  -- A version that closes it brings this forward; none puts it off.
  ends_at timestamptz NOT NULL,
  reviewed boolean NOT NULL,
  changed_at timestamptz NOT NULL,
  dek_version integer NOT NULL,
  sealed bytea NOT NULL,
  PRIMARY KEY (tenant, id, version)
);
CREATE INDEX break_glass_standing ON records.break_glass (tenant, ends_at);
CREATE INDEX break_glass_of_account ON records.break_glass (tenant, account, opened_at) WHERE version = 1;
CREATE INDEX break_glass_owed ON records.break_glass (tenant, opened_at) WHERE NOT reviewed;
CREATE INDEX break_glass_reviewed ON records.break_glass (tenant, changed_at) WHERE reviewed;

-- One row for each person who ever opened a chart so. Whoever opens one holds it until the commit, so
-- that of two at once, in whatever process, the second counts the first.
CREATE TABLE records.break_glass_turn (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  account uuid NOT NULL,
  turns bigint NOT NULL,
  PRIMARY KEY (tenant, account)
);

ALTER TABLE records.break_glass ENABLE ROW LEVEL SECURITY;
ALTER TABLE records.break_glass_turn ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON records.break_glass
  USING (tenant = current_setting('phylax.tenant')::uuid);
CREATE POLICY own_tenant ON records.break_glass_turn
  USING (tenant = current_setting('phylax.tenant')::uuid);

-- Only added to: what was opened when, and what was found, stays readable.
GRANT SELECT, INSERT ON records.break_glass TO phylax_records;
GRANT SELECT, INSERT, UPDATE ON records.break_glass_turn TO phylax_records;
