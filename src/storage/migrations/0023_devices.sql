-- A device is known by its key; what is known of the key holds for everybody who uses it.
CREATE TABLE identity.device_key (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  -- Thumbprint of the DPoP key.
  jkt text NOT NULL,
  -- Who manages the device, by the name that the operator gave; null when nobody does.
  managed_by text,
  -- A lost key begins no session ever again.
  lost_at timestamptz,
  -- The account that said so, or "operator".
  lost_by text,
  PRIMARY KEY (tenant, jkt),
  CHECK ((lost_at IS NULL) = (lost_by IS NULL))
);
CREATE INDEX device_key_lost ON identity.device_key (tenant, lost_at) WHERE lost_at IS NOT NULL;

ALTER TABLE identity.device
  -- As its person calls it.
  ADD COLUMN name_sealed bytea,
  -- Shown no more since then, until it is used again.
  ADD COLUMN forgotten_at timestamptz;
CREATE INDEX device_newest ON identity.device (tenant, first_seen, id);
CREATE INDEX session_of_device ON identity.session (tenant, device);

-- What raises a key above the first rung of the device ladder, or holds it down.
CREATE TABLE identity.device_evidence (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  id uuid NOT NULL,
  jkt text NOT NULL,
  kind text NOT NULL
    CHECK (kind IN ('certificate', 'webauthn', 'app-attest', 'android-key', 'posture')),
  -- What it is known by: a certificate's thumbprint, a credential's id, the manager's name.
  subject text NOT NULL,
  -- Of a posture alone.
  healthy boolean,
  made_at timestamptz NOT NULL,
  valid_until timestamptz NOT NULL,
  revoked_at timestamptz,
  PRIMARY KEY (tenant, id),
  UNIQUE (tenant, jkt, kind, subject),
  CHECK ((kind = 'posture') = (healthy IS NOT NULL))
);
CREATE INDEX device_evidence_end ON identity.device_evidence (valid_until) WHERE revoked_at IS NULL;

ALTER TABLE identity.device_evidence ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON identity.device_evidence
  USING (tenant = current_setting('phylax.tenant')::uuid);
GRANT SELECT, INSERT, UPDATE ON identity.device_evidence TO phylax_identity;

ALTER TABLE identity.device_key ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON identity.device_key
  USING (tenant = current_setting('phylax.tenant')::uuid);
GRANT SELECT, INSERT, UPDATE ON identity.device_key TO phylax_identity;
