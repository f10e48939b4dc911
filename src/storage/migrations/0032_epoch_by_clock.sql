-- Epochs are microseconds since 1970, or one more than the last where that is later. A renewal of a
-- session no longer waits for the disk, so a crash may take back the newest ones: those handed out
-- afterwards must still be higher than any that a reader has seen.
CREATE OR REPLACE FUNCTION identity.advance_epoch() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  clock constant bigint := floor(extract(epoch FROM clock_timestamp()) * 1000000);
BEGIN
  INSERT INTO identity.epoch AS counter (value) VALUES (clock)
    ON CONFLICT (tenant) DO UPDATE SET value = greatest(counter.value + 1, excluded.value);
  RETURN NULL;
END
$$;

-- A binding that no release took: such a client could never ask for a token.
UPDATE identity.client SET binding = 'dpop', status = 'revoked',
    decided_by = coalesce(decided_by, 'operator'), decided_at = coalesce(decided_at, now())
  WHERE binding = 'mtls';
ALTER TABLE identity.client DROP CONSTRAINT client_binding_check;
ALTER TABLE identity.client ADD CONSTRAINT client_binding_check CHECK (binding IN ('dpop', 'bearer'));
