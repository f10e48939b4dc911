-- When the person last proved herself in this session, and from where it was last used (sealed).
ALTER TABLE identity.session
  ADD COLUMN signed_in_at timestamptz,
  ADD COLUMN seen_sealed bytea;

-- A sign-in from before `signed_out_at` carries no further.
ALTER TABLE identity.account
  ADD COLUMN signed_out_at timestamptz,
  ADD COLUMN language text;

-- A passkey made on a second device is of no use before the first device has confirmed it.
ALTER TABLE identity.passkey
  ADD COLUMN id uuid NOT NULL DEFAULT gen_random_uuid(),
  ADD COLUMN usable boolean NOT NULL DEFAULT true;
CREATE UNIQUE INDEX passkey_by_id ON identity.passkey (tenant, id);

-- A kiosk is a machine that many people use in turn.
ALTER TABLE identity.device DROP CONSTRAINT device_kind_check;
ALTER TABLE identity.device ADD CONSTRAINT device_kind_check CHECK (kind IN ('browser', 'kiosk'));
CREATE INDEX device_by_key ON identity.device (tenant, jkt);

ALTER TABLE identity.enrolment
  ADD COLUMN purpose text NOT NULL DEFAULT 'invitation'
    CHECK (purpose IN ('invitation', 'second-device', 'recovery')),
  -- The recovery that this link ends.
  ADD COLUMN recovery uuid,
  -- The passkey that was made by the link of a second device.
  ADD COLUMN passkey uuid;

-- The challenge for one more passkey, asked in a session.
CREATE TABLE identity.passkey_offer (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  session uuid NOT NULL,
  challenge bytea NOT NULL,
  ends_at timestamptz NOT NULL,
  PRIMARY KEY (tenant, session)
);
CREATE INDEX passkey_offer_expiry ON identity.passkey_offer (ends_at);

-- Known by HMAC under a key that is not in the database.
CREATE TABLE identity.recovery_code (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  code_hash bytea NOT NULL,
  account uuid NOT NULL,
  used_at timestamptz,
  PRIMARY KEY (tenant, code_hash),
  FOREIGN KEY (tenant, account) REFERENCES identity.account (tenant, id)
);
CREATE INDEX recovery_code_of_account ON identity.recovery_code (tenant, account);

CREATE TABLE identity.recovery (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  id uuid NOT NULL,
  token_hash bytea NOT NULL,
  -- Null when what was shown fits nobody: such a recovery looks like any other until its end.
  account uuid,
  way text NOT NULL CHECK (way IN ('code', 'staff')),
  state text NOT NULL CHECK (state IN ('waiting', 'cancelled', 'allowed', 'finished')),
  begun_at timestamptz NOT NULL,
  ready_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  -- Who of the staff proved the person's identity, and by what.
  proofed_by uuid,
  proofing_sealed bytea,
  PRIMARY KEY (tenant, id),
  UNIQUE (tenant, token_hash),
  FOREIGN KEY (tenant, account) REFERENCES identity.account (tenant, id)
);
CREATE INDEX recovery_of_account ON identity.recovery (tenant, account, begun_at);
CREATE INDEX recovery_expiry ON identity.recovery (expires_at);

-- What a person is told of changes to how she signs in: in the portal, and by letter.
CREATE TABLE identity.notice (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  account uuid NOT NULL,
  kind text NOT NULL,
  at timestamptz NOT NULL,
  -- When it was handed over to be sent by letter.
  sent_at timestamptz,
  PRIMARY KEY (tenant, id),
  FOREIGN KEY (tenant, account) REFERENCES identity.account (tenant, id)
);
CREATE INDEX notice_of_account ON identity.notice (tenant, account, at);
CREATE INDEX notice_unsent ON identity.notice (tenant, at) WHERE sent_at IS NULL;

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['passkey_offer', 'recovery_code', 'recovery', 'notice'] LOOP
    EXECUTE format('ALTER TABLE identity.%I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format(
      'CREATE POLICY own_tenant ON identity.%I USING (tenant = current_setting(''phylax.tenant'')::uuid)',
      name);
  END LOOP;
END
$$;

GRANT SELECT, INSERT, UPDATE, DELETE ON identity.passkey_offer, identity.recovery_code,
  identity.recovery, identity.notice TO phylax_identity;
GRANT DELETE ON identity.passkey, identity.password, identity.totp TO phylax_identity;
