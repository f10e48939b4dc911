-- Apps and services that may ask for tokens, beside our own portal.
CREATE TABLE identity.client (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  -- The OAuth client_id; of a backend service also the id of its account.
  id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('public', 'confidential', 'backend')),
  name text NOT NULL,
  redirect_uris text[] NOT NULL,
  -- Where a launch from a chart begins.
  launch_uri text,
  -- Public keys as they are, or the address of them; a public client has neither.
  jwks jsonb,
  jwks_uri text,
  -- Whether that address may lie in the operator's own network.
  own_network boolean NOT NULL,
  -- The most that it may ask for.
  scopes text[] NOT NULL CHECK (cardinality(scopes) > 0),
  -- What its tokens are bound to.
  binding text NOT NULL CHECK (binding IN ('dpop', 'mtls', 'bearer')),
  status text NOT NULL CHECK (status IN ('pending', 'approved', 'revoked')),
  -- The account of whoever answers for it; null when an operator's command or the client itself registered it.
  owner uuid,
  registered_by text NOT NULL,
  registered_at timestamptz NOT NULL,
  decided_by text,
  decided_at timestamptz,
  PRIMARY KEY (tenant, id),
  CHECK ((kind = 'public') = (jwks IS NULL AND jwks_uri IS NULL)),
  CHECK (jwks IS NULL OR jwks_uri IS NULL),
  CHECK ((status = 'pending') = (decided_at IS NULL)),
  CHECK ((decided_by IS NULL) = (decided_at IS NULL))
);
CREATE INDEX client_by_time ON identity.client (tenant, registered_at);
CREATE INDEX client_of_owner ON identity.client (tenant, owner) WHERE owner IS NOT NULL;

ALTER TABLE identity.client ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON identity.client USING (tenant = current_setting('phylax.tenant')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON identity.client TO phylax_identity;
-- Signing keys are replaced as they age; no secret takes the place of another.
GRANT UPDATE (sealed) ON identity.secret TO phylax_identity;
