GRANT USAGE ON SCHEMA identity TO phylax_identity, phylax_records;

-- Keys of the identity process itself: each sealed, made at first start.
CREATE TABLE identity.secret (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  name text NOT NULL,
  sealed bytea NOT NULL,
  PRIMARY KEY (tenant, name)
);

CREATE TABLE identity.account (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  id uuid NOT NULL,
  -- HMACs of the name that another system knows the account by, and of the user name.
  external_blind bytea,
  login_blind bytea,
  display_name_sealed bytea NOT NULL,
  login_sealed bytea,
  roles text[] NOT NULL CHECK (cardinality(roles) > 0),
  -- FHIR ids of the Patient resources that the person is, or may act for.
  patients text[] NOT NULL,
  practitioner text,
  status text NOT NULL CHECK (status IN ('active', 'closed')),
  created_at timestamptz NOT NULL,
  PRIMARY KEY (tenant, id),
  UNIQUE (tenant, external_blind),
  UNIQUE (tenant, login_blind)
);

CREATE TABLE identity.password (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  account uuid NOT NULL,
  hash bytea NOT NULL,
  salt bytea NOT NULL,
  -- argon2id (RFC 9106 §3.1): m, t and p of this very hash.
  memory_kib integer NOT NULL,
  passes integer NOT NULL,
  lanes integer NOT NULL,
  PRIMARY KEY (tenant, account),
  FOREIGN KEY (tenant, account) REFERENCES identity.account (tenant, id)
);

CREATE TABLE identity.totp (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  account uuid NOT NULL,
  seed_sealed bytea NOT NULL,
  -- The newest time step of which a code was accepted (RFC 6238 §5.2: no code twice).
  last_step bigint NOT NULL,
  PRIMARY KEY (tenant, account),
  FOREIGN KEY (tenant, account) REFERENCES identity.account (tenant, id)
);

CREATE TABLE identity.passkey (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  credential_id bytea NOT NULL,
  account uuid NOT NULL,
  public_key bytea NOT NULL,
  counter bigint NOT NULL,
  transports text[] NOT NULL,
  name_sealed bytea NOT NULL,
  aaguid uuid NOT NULL,
  backed_up boolean NOT NULL,
  created_at timestamptz NOT NULL,
  last_used_at timestamptz,
  PRIMARY KEY (tenant, credential_id),
  FOREIGN KEY (tenant, account) REFERENCES identity.account (tenant, id)
);
CREATE INDEX passkey_of_account ON identity.passkey (tenant, account);

-- One-time links; only the hash of the token in the link is kept.
CREATE TABLE identity.enrolment (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  token_hash bytea NOT NULL,
  account uuid NOT NULL,
  challenge bytea,
  challenge_ends_at timestamptz,
  expires_at timestamptz NOT NULL,
  used_at timestamptz,
  PRIMARY KEY (tenant, token_hash),
  FOREIGN KEY (tenant, account) REFERENCES identity.account (tenant, id)
);
CREATE INDEX enrolment_of_account ON identity.enrolment (tenant, account);

-- A sign-in under way, by the hash of its interaction's id.
CREATE TABLE identity.sign_in (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  interaction bytea NOT NULL,
  challenge bytea,
  challenge_ends_at timestamptz,
  -- Set once a password was given; the account stays null when it was wrong.
  password_ends_at timestamptz,
  password_account uuid,
  login_blind bytea,
  failures integer NOT NULL DEFAULT 0,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (tenant, interaction)
);
CREATE INDEX sign_in_expiry ON identity.sign_in (expires_at);

-- Failed guesses by user name or address, known only by HMAC.
CREATE TABLE identity.attempt (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  subject bytea NOT NULL,
  failures integer NOT NULL,
  blocked_until timestamptz NOT NULL,
  -- Names the guess that was let through last.
  charge uuid NOT NULL,
  forgotten_at timestamptz NOT NULL,
  PRIMARY KEY (tenant, subject)
);
CREATE INDEX attempt_expiry ON identity.attempt (forgotten_at);

-- A browser or app, known by the thumbprint of its DPoP key.
CREATE TABLE identity.device (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  id uuid NOT NULL,
  account uuid NOT NULL,
  jkt text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('browser')),
  -- Rung of the device ladder: 1 is a DPoP key.
  level integer NOT NULL CHECK (level BETWEEN 0 AND 4),
  first_seen timestamptz NOT NULL,
  last_seen timestamptz NOT NULL,
  PRIMARY KEY (tenant, id),
  UNIQUE (tenant, account, jkt),
  FOREIGN KEY (tenant, account) REFERENCES identity.account (tenant, id)
);

CREATE TABLE identity.session (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  id uuid NOT NULL,
  account uuid NOT NULL,
  device uuid NOT NULL,
  client_ids text[] NOT NULL,
  -- Hashes of the browser's sign-on session, and of one sign-in within it.
  browser bytea NOT NULL,
  login bytea NOT NULL,
  -- Hash of the grant that its tokens stand on.
  grant_id bytea NOT NULL,
  created_at timestamptz NOT NULL,
  last_seen timestamptz NOT NULL,
  idle_ms bigint NOT NULL,
  ends_at timestamptz NOT NULL,
  ended_at timestamptz,
  epoch bigint NOT NULL,
  PRIMARY KEY (tenant, id),
  UNIQUE (tenant, login, device),
  FOREIGN KEY (tenant, account) REFERENCES identity.account (tenant, id),
  FOREIGN KEY (tenant, device) REFERENCES identity.device (tenant, id)
);
CREATE INDEX session_by_epoch ON identity.session (tenant, epoch);
CREATE INDEX session_of_account ON identity.session (tenant, account, created_at);
CREATE INDEX session_of_browser ON identity.session (tenant, browser);
CREATE INDEX session_of_grant ON identity.session (tenant, grant_id);
CREATE INDEX session_end ON identity.session (ends_at);

-- What the OpenID provider keeps: payloads sealed, ids hashed, as a row must not serve as a token.
CREATE TABLE identity.oidc (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  model text NOT NULL,
  id bytea NOT NULL,
  grant_id bytea,
  uid bytea,
  user_code bytea,
  -- The sign-on session that a code or token belongs to.
  browser bytea,
  sealed bytea NOT NULL,
  consumed_at timestamptz,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (tenant, model, id)
);
CREATE INDEX oidc_grant ON identity.oidc (tenant, grant_id) WHERE grant_id IS NOT NULL;
CREATE INDEX oidc_uid ON identity.oidc (tenant, uid) WHERE uid IS NOT NULL;
CREATE INDEX oidc_user_code ON identity.oidc (tenant, user_code) WHERE user_code IS NOT NULL;
CREATE INDEX oidc_browser ON identity.oidc (tenant, browser) WHERE browser IS NOT NULL;
CREATE INDEX oidc_expiry ON identity.oidc (expires_at);

-- One counter for each tenant. A sequence would hand out numbers before they are committed, and a
-- reader that asks for "more than the last I saw" would miss the one committed late: for ever.
-- Whoever changes sessions holds the counter's row until commit, so numbers appear in order.
CREATE TABLE identity.epoch (
  tenant uuid PRIMARY KEY DEFAULT current_setting('phylax.tenant')::uuid,
  value bigint NOT NULL
);

-- Taken before any row of the statement is locked, so that two statements cannot wait in a ring.
CREATE FUNCTION identity.advance_epoch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO identity.epoch AS counter (value) VALUES (1)
    ON CONFLICT (tenant) DO UPDATE SET value = counter.value + 1;
  RETURN NULL;
END
$$;

CREATE FUNCTION identity.stamp_epoch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  SELECT value INTO STRICT NEW.epoch FROM identity.epoch WHERE tenant = NEW.tenant;
  RETURN NEW;
END
$$;

CREATE FUNCTION identity.touch_account_sessions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE identity.session SET epoch = 0
    WHERE tenant = NEW.tenant AND account = NEW.id AND ended_at IS NULL;
  RETURN NULL;
END
$$;

CREATE FUNCTION identity.touch_device_sessions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE identity.session SET epoch = 0
    WHERE tenant = NEW.tenant AND device = NEW.id AND ended_at IS NULL;
  RETURN NULL;
END
$$;

CREATE TRIGGER session_epoch_1 BEFORE INSERT OR UPDATE ON identity.session
  FOR EACH STATEMENT EXECUTE FUNCTION identity.advance_epoch();
CREATE TRIGGER session_epoch_2 BEFORE INSERT OR UPDATE ON identity.session
  FOR EACH ROW EXECUTE FUNCTION identity.stamp_epoch();
CREATE TRIGGER account_sessions AFTER UPDATE OF roles, patients, practitioner, status
  ON identity.account FOR EACH ROW EXECUTE FUNCTION identity.touch_account_sessions();
CREATE TRIGGER device_sessions AFTER UPDATE OF level
  ON identity.device FOR EACH ROW EXECUTE FUNCTION identity.touch_device_sessions();

-- What the records process may know of sessions. Views run with their owner's rights, past row
-- level security, so each names the tenant itself.
CREATE VIEW identity.live WITH (security_barrier) AS
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
    session.ends_at,
    session.ended_at IS NOT NULL
      OR account.status <> 'active'
      OR now() >= session.ends_at
      OR now() >= session.last_seen + session.idle_ms * interval '1 millisecond' AS ended
  FROM identity.session
  JOIN identity.account ON account.tenant = session.tenant AND account.id = session.account
  JOIN identity.device ON device.tenant = session.tenant AND device.id = session.device
  WHERE session.tenant = current_setting('phylax.tenant')::uuid;

CREATE VIEW identity.directory WITH (security_barrier) AS
  SELECT id AS account_id, roles, practitioner, patients
  FROM identity.account
  WHERE tenant = current_setting('phylax.tenant')::uuid;

GRANT SELECT ON identity.live, identity.directory TO phylax_records;

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY[
    'secret', 'account', 'password', 'totp', 'passkey', 'enrolment', 'sign_in', 'attempt',
    'device', 'session', 'oidc', 'epoch']
  LOOP
    EXECUTE format('ALTER TABLE identity.%I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format(
      'CREATE POLICY own_tenant ON identity.%I USING (tenant = current_setting(''phylax.tenant'')::uuid)',
      name);
  END LOOP;
END
$$;

GRANT SELECT, INSERT, UPDATE ON identity.account, identity.password, identity.totp,
  identity.passkey, identity.device, identity.epoch TO phylax_identity;
GRANT SELECT, INSERT ON identity.secret TO phylax_identity;
GRANT SELECT, INSERT, UPDATE, DELETE ON identity.enrolment, identity.sign_in, identity.attempt,
  identity.session, identity.oidc TO phylax_identity;
