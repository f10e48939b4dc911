-- OpenID Providers of other houses by which staff may sign in, as an operator named them.
CREATE TABLE identity.outside_provider (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  id text COLLATE "C" NOT NULL,
  -- What the button of the sign-in page says.
  label text NOT NULL,
  issuer text NOT NULL,
  client_id text NOT NULL,
  secret_sealed bytea NOT NULL,
  -- The algorithm (RFC 7518) that its ID tokens are signed with.
  signed_with text NOT NULL,
  -- How an ID token shows that two factors were asked for: by acr, by amr, or by the operator's word.
  assurance text NOT NULL CHECK (assurance IN ('acr', 'amr', 'vouched')),
  assurance_values text[] NOT NULL,
  -- Whether a sign-in over there that is still open is enough.
  sso boolean NOT NULL,
  -- PEM of the authorities to trust in place of the system's.
  authority text,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (tenant, id),
  UNIQUE (tenant, issuer)
);

-- Who of them is which account: approved by a person, one by one.
CREATE TABLE identity.outside_subject (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  -- HMAC of issuer and sub.
  subject bytea NOT NULL,
  provider text COLLATE "C" NOT NULL,
  subject_sealed bytea NOT NULL,
  account uuid NOT NULL,
  approved_at timestamptz NOT NULL,
  PRIMARY KEY (tenant, subject),
  UNIQUE (tenant, provider, account),
  FOREIGN KEY (tenant, provider) REFERENCES identity.outside_provider (tenant, id)
    ON DELETE CASCADE,
  FOREIGN KEY (tenant, account) REFERENCES identity.account (tenant, id)
);

-- People proven by their provider whom nobody has approved yet.
CREATE TABLE identity.outside_waiting (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  -- What the person tells her administrator.
  reference text COLLATE "C" NOT NULL,
  subject bytea NOT NULL,
  provider text COLLATE "C" NOT NULL,
  -- Subject, name and e-mail address as the provider gave them.
  sealed bytea NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (tenant, reference),
  UNIQUE (tenant, subject),
  FOREIGN KEY (tenant, provider) REFERENCES identity.outside_provider (tenant, id)
    ON DELETE CASCADE
);
CREATE INDEX outside_waiting_expiry ON identity.outside_waiting (expires_at);

-- A way to a provider and back, one for each sign-in under way.
CREATE TABLE identity.outside_attempt (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  interaction bytea NOT NULL,
  -- HMACs of the state and of the cookie of the browser that began; null once the answer came.
  state bytea,
  browser bytea,
  -- What checks the answer: nonce, PKCE verifier, whose it must be.
  sealed bytea NOT NULL,
  result_sealed bytea,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (tenant, interaction),
  UNIQUE (tenant, state)
);
CREATE INDEX outside_attempt_expiry ON identity.outside_attempt (expires_at);

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY[
    'outside_provider', 'outside_subject', 'outside_waiting', 'outside_attempt']
  LOOP
    EXECUTE format('ALTER TABLE identity.%I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format(
      'CREATE POLICY own_tenant ON identity.%I USING (tenant = current_setting(''phylax.tenant'')::uuid)',
      name);
    EXECUTE format(
      'GRANT SELECT, INSERT, UPDATE, DELETE ON identity.%I TO phylax_identity', name);
  END LOOP;
END
$$;
