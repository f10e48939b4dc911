-- Leases by which a patient's own summary may lie on a device of hers while it has no connection. The
-- key of a lease is given to the device and kept nowhere here.
CREATE TABLE identity.offline_lease (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  id uuid NOT NULL,
  account uuid NOT NULL,
  device uuid NOT NULL,
  -- FHIR id of the Patient whose summary it is.
  patient text NOT NULL,
  given_at timestamptz NOT NULL,
  renewed_at timestamptz NOT NULL,
  -- Until when the device may open what it keeps, unless it is renewed.
  ends_at timestamptz NOT NULL,
  -- When and why it was ended for good; both null while it can be renewed.
  ended_at timestamptz,
  end_reason text CHECK (end_reason IN
    ('switched-off', 'signed-out', 'forgotten', 'lost', 'replaced', 'not-own', 'unused')),
  -- When the log was told that it has run out or ended; null before, and again after a renewal.
  told_at timestamptz,
  PRIMARY KEY (tenant, id),
  FOREIGN KEY (tenant, account) REFERENCES identity.account (tenant, id),
  FOREIGN KEY (tenant, device) REFERENCES identity.device (tenant, id),
  CHECK ((ended_at IS NULL) = (end_reason IS NULL))
);
CREATE UNIQUE INDEX offline_lease_of_device ON identity.offline_lease (tenant, device)
  WHERE ended_at IS NULL;
CREATE INDEX offline_lease_of_account ON identity.offline_lease (tenant, account);
CREATE INDEX offline_lease_untold ON identity.offline_lease (tenant, ends_at) WHERE told_at IS NULL;
CREATE INDEX offline_lease_ended ON identity.offline_lease (ended_at);

ALTER TABLE identity.offline_lease ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON identity.offline_lease
  USING (tenant = current_setting('phylax.tenant')::uuid)
  WITH CHECK (tenant = current_setting('phylax.tenant')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON identity.offline_lease TO phylax_identity;
