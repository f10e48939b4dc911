-- What people let apps do: one row for each consent, known by the hash of the grant that tokens stand on.
CREATE TABLE identity.app_grant (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  id uuid NOT NULL,
  account uuid NOT NULL,
  client uuid NOT NULL,
  grant_id bytea NOT NULL,
  -- Scopes and the patient that the app was launched for.
  sealed bytea NOT NULL,
  granted_at timestamptz NOT NULL,
  last_used_at timestamptz,
  ends_at timestamptz NOT NULL,
  ended_at timestamptz,
  PRIMARY KEY (tenant, id),
  UNIQUE (tenant, grant_id),
  FOREIGN KEY (tenant, account) REFERENCES identity.account (tenant, id)
);
CREATE INDEX app_grant_of_account ON identity.app_grant (tenant, account, granted_at);
CREATE INDEX app_grant_end ON identity.app_grant (ends_at);

-- Launches from a chart that wait for their app to come back; only the hash of what it is handed is kept.
CREATE TABLE identity.app_launch (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  token_hash bytea NOT NULL,
  account uuid NOT NULL,
  client uuid NOT NULL,
  patient_sealed bytea NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (tenant, token_hash),
  FOREIGN KEY (tenant, account) REFERENCES identity.account (tenant, id)
);
CREATE INDEX app_launch_expiry ON identity.app_launch (expires_at);

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['app_grant', 'app_launch'] LOOP
    EXECUTE format('ALTER TABLE identity.%I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format(
      'CREATE POLICY own_tenant ON identity.%I USING (tenant = current_setting(''phylax.tenant'')::uuid)',
      name);
  END LOOP;
END
$$;

GRANT SELECT, INSERT, UPDATE, DELETE ON identity.app_grant, identity.app_launch TO phylax_identity;
