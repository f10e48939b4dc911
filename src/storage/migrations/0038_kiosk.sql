-- Tablets of the clinic, each an account of its own that holds the role kiosk and nothing else.
CREATE TABLE identity.kiosk (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  -- The id of its account.
  id uuid NOT NULL,
  -- FHIR id of the Location at which it stands.
  location text NOT NULL,
  created_at timestamptz NOT NULL,
  created_by text NOT NULL,
  -- Of the code that sets it up; null once that was used.
  code_blind bytea,
  code_ends_at timestamptz,
  -- Thumbprint of the one DPoP key that it may use; null until it is set up.
  jkt text,
  withdrawn_at timestamptz,
  PRIMARY KEY (tenant, id),
  UNIQUE (tenant, code_blind),
  FOREIGN KEY (tenant, id) REFERENCES identity.account (tenant, id),
  CHECK ((code_blind IS NULL) = (code_ends_at IS NULL))
);
-- One key is one kiosk.
CREATE UNIQUE INDEX kiosk_by_key ON identity.kiosk (tenant, jkt) WHERE withdrawn_at IS NULL;

-- One visit, handed to a kiosk by a code that works once.
CREATE TABLE identity.kiosk_ticket (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  code_blind bytea NOT NULL,
  -- The kiosk that may take it; null for the one at which the patient types it.
  kiosk uuid,
  -- FHIR ids of the Patient, of the Encounter, and of the Practitioner who handed it over; the last is
  -- null when the patient did herself.
  patient text NOT NULL,
  visit text NOT NULL,
  handed_by text,
  made_by uuid NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (tenant, code_blind)
);
CREATE INDEX kiosk_ticket_expiry ON identity.kiosk_ticket (expires_at);
CREATE INDEX kiosk_ticket_maker ON identity.kiosk_ticket (tenant, made_by);

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['kiosk', 'kiosk_ticket'] LOOP
    EXECUTE format('ALTER TABLE identity.%I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY own_tenant ON identity.%I
      USING (tenant = current_setting(''phylax.tenant'')::uuid)
      WITH CHECK (tenant = current_setting(''phylax.tenant'')::uuid)', name);
  END LOOP;
END
$$;

GRANT SELECT, INSERT, UPDATE ON identity.kiosk TO phylax_identity;
GRANT SELECT, INSERT, DELETE ON identity.kiosk_ticket TO phylax_identity;

ALTER TABLE identity.session
  -- FHIR ids of the one Encounter that a kiosk's session is for, and of the Practitioner who handed it over.
  ADD COLUMN kiosk_visit text,
  ADD COLUMN handed_by text;

CREATE OR REPLACE VIEW identity.live WITH (security_barrier) AS
  SELECT
    session.id AS session_id,
    session.account AS account_id,
    session.device AS device_id,
    device.level AS device_level,
    session.epoch,
    account.roles,
    account.patients,
    coalesce(session.handed_by, account.practitioner) AS practitioner,
    session.client_ids,
    session.last_seen + session.idle_ms * interval '1 millisecond' AS idle_ends_at,
    least(session.ends_at, account.opened_until) AS ends_at,
    session.ended_at IS NOT NULL
      OR account.status <> 'active'
      OR now() >= session.ends_at
      OR (now() >= account.opened_until) IS TRUE
      OR now() >= session.last_seen + session.idle_ms * interval '1 millisecond' AS ended,
    session.acts_for,
    session.acts_for_until,
    session.acts_for_from,
    session.kiosk_visit
  FROM identity.session
  JOIN identity.account ON account.tenant = session.tenant AND account.id = session.account
  JOIN identity.device ON device.tenant = session.tenant AND device.id = session.device
  WHERE session.tenant = current_setting('phylax.tenant')::uuid;
