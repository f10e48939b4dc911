-- Which root vouched for the hardware that made the passkey, and how long its certificates last.
ALTER TABLE identity.passkey
  -- SHA-256 of the root's certificate.
  ADD COLUMN attested_root bytea,
  ADD COLUMN attested_until timestamptz,
  ADD CHECK ((attested_root IS NULL) = (attested_until IS NULL));
