-- A key that was given a certificate is good only together with one that is valid.
ALTER TABLE identity.device_key ADD COLUMN bound_at timestamptz;
GRANT DELETE ON identity.device_evidence TO phylax_identity;
