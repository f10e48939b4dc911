-- What accounts are: a person's, one that lies sealed in an envelope until it is needed, or a
-- service's. A suspended account sleeps, a closed one has left for good.
ALTER TABLE identity.account
  ADD COLUMN kind text NOT NULL DEFAULT 'person' CHECK (kind IN ('person', 'service', 'break-glass')),
  ADD COLUMN departments text[] NOT NULL DEFAULT '{}',
  -- NIST SP 800-63A: how surely the account is this very person's. How it was proven is sealed.
  ADD COLUMN assurance text NOT NULL DEFAULT 'none'
    CHECK (assurance IN ('none', 'IAL1', 'IAL2', 'IAL3')),
  ADD COLUMN proofing_sealed bytea,
  -- HMACs of the name's words and of their beginnings, so that people can be found by name.
  ADD COLUMN name_blind bytea[],
  -- An envelope's account serves until then and is sealed again.
  ADD COLUMN opened_until timestamptz,
  DROP CONSTRAINT account_status_check,
  ADD CONSTRAINT account_status_check CHECK (status IN ('active', 'suspended', 'sealed', 'closed'));
CREATE INDEX account_name ON identity.account USING gin (name_blind) WITH (fastupdate = off);
CREATE INDEX account_newest ON identity.account (tenant, created_at, id);
CREATE INDEX account_opened ON identity.account (opened_until) WHERE opened_until IS NOT NULL;

-- From now on `patients` are the person's own charts alone. For whom else she acts stands in
-- proxy_grant, with an end and a ground: what had neither is not carried over.
DROP TRIGGER account_sessions ON identity.account;
UPDATE identity.account SET patients =
  CASE WHEN 'patient' = ANY (roles) THEN patients[1:1] ELSE '{}' END;

-- Who may act for a patient. The ground, the names and a child's birth date are sealed; of a
-- birthday that ends a grant nothing stands in the clear.
CREATE TABLE identity.proxy_grant (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  id uuid NOT NULL,
  -- FHIR id of the Patient.
  patient text NOT NULL,
  -- Null until the invitation was taken up.
  proxy uuid,
  sealed bytea NOT NULL,
  -- The account that granted it; null when an operator's command did.
  granted_by uuid,
  created_at timestamptz NOT NULL,
  starts_at timestamptz NOT NULL,
  ends_at timestamptz,
  ended_at timestamptz,
  PRIMARY KEY (tenant, id),
  FOREIGN KEY (tenant, proxy) REFERENCES identity.account (tenant, id)
);
CREATE INDEX proxy_grant_of_proxy ON identity.proxy_grant (tenant, proxy) WHERE ended_at IS NULL;
CREATE INDEX proxy_grant_of_patient ON identity.proxy_grant (tenant, patient) WHERE ended_at IS NULL;

-- Codes on paper. Only hashes: of the code, and of the code together with the second fact.
CREATE TABLE identity.invitation (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  code_blind bytea NOT NULL,
  fact_blind bytea,
  purpose text NOT NULL CHECK (purpose IN ('enrol', 'act-for', 'envelope')),
  account uuid,
  proxy_grant uuid,
  -- The account that asked for it; null when an operator's command did.
  made_by uuid,
  failures integer NOT NULL DEFAULT 0,
  expires_at timestamptz NOT NULL,
  used_at timestamptz,
  PRIMARY KEY (tenant, code_blind),
  FOREIGN KEY (tenant, account) REFERENCES identity.account (tenant, id),
  FOREIGN KEY (tenant, proxy_grant) REFERENCES identity.proxy_grant (tenant, id)
);
CREATE INDEX invitation_of_account ON identity.invitation (tenant, account) WHERE used_at IS NULL;
CREATE INDEX invitation_of_grant ON identity.invitation (tenant, proxy_grant) WHERE used_at IS NULL;
CREATE INDEX invitation_expiry ON identity.invitation (expires_at);

-- For whom the person may act in this session and until when, in ms since
-- 1970: computed when the session begins and when a grant changes, never past the session's end.
ALTER TABLE identity.session
  ADD COLUMN acts_for text[] NOT NULL DEFAULT '{}',
  ADD COLUMN acts_for_until bigint[] NOT NULL DEFAULT '{}',
  ADD CONSTRAINT session_acts_for CHECK (cardinality(acts_for) = cardinality(acts_for_until));
CREATE TRIGGER account_sessions
  AFTER UPDATE OF roles, patients, practitioner, status, opened_until
  ON identity.account FOR EACH ROW EXECUTE FUNCTION identity.touch_account_sessions();

CREATE OR REPLACE VIEW identity.live WITH (security_barrier) AS
  SELECT
    session.id AS session_id,
    session.account AS account_id,
    session.device AS device_id,
    device.level AS device_level,
    session.epoch,
    account.roles,
    account.patients,
    account.practitioner,
    session.client_ids,
    session.last_seen + session.idle_ms * interval '1 millisecond' AS idle_ends_at,
    least(session.ends_at, account.opened_until) AS ends_at,
    session.ended_at IS NOT NULL
      OR account.status <> 'active'
      OR now() >= session.ends_at
      OR (now() >= account.opened_until) IS TRUE
      OR now() >= session.last_seen + session.idle_ms * interval '1 millisecond' AS ended,
    session.acts_for,
    session.acts_for_until
  FROM identity.session
  JOIN identity.account ON account.tenant = session.tenant AND account.id = session.account
  JOIN identity.device ON device.tenant = session.tenant AND device.id = session.device
  WHERE session.tenant = current_setting('phylax.tenant')::uuid;

ALTER TABLE identity.proxy_grant ENABLE ROW LEVEL SECURITY;
ALTER TABLE identity.invitation ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON identity.proxy_grant
  USING (tenant = current_setting('phylax.tenant')::uuid);
CREATE POLICY own_tenant ON identity.invitation
  USING (tenant = current_setting('phylax.tenant')::uuid);

-- Who acted for whom when stays readable: a grant ends, and is never deleted.
GRANT SELECT, INSERT, UPDATE ON identity.proxy_grant TO phylax_identity;
GRANT SELECT, INSERT, UPDATE, DELETE ON identity.invitation TO phylax_identity;
