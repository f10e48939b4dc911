-- How many charts in an hour are usual for a person, as her own weeks in the log say. It can always be
-- told from the log again; it stands here so that it can be told of a whole role, too.
CREATE TABLE records.brake_usual (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  account uuid NOT NULL,
  role text NOT NULL,
  -- Null while too few of her hours are known.
  charts integer,
  learned_at timestamptz NOT NULL,
  PRIMARY KEY (tenant, account)
);
CREATE INDEX brake_usual_of_role ON records.brake_usual (tenant, role, learned_at);
ALTER TABLE records.brake_usual ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON records.brake_usual
  USING (tenant = current_setting('phylax.tenant')::uuid);
GRANT SELECT, INSERT, UPDATE ON records.brake_usual TO phylax_records;
