-- A password is hashed with argon2id, or in FIPS mode with PBKDF2-HMAC-SHA-512: then `passes` counts
-- its iterations, and memory and lanes mean nothing.
ALTER TABLE identity.password
  ADD COLUMN kdf text NOT NULL DEFAULT 'argon2id',
  ALTER COLUMN memory_kib DROP NOT NULL,
  ALTER COLUMN lanes DROP NOT NULL,
  ADD CONSTRAINT password_cost CHECK (
    CASE kdf
      WHEN 'argon2id' THEN memory_kib IS NOT NULL AND lanes IS NOT NULL
      WHEN 'pbkdf2-hmac-sha-512' THEN memory_kib IS NULL AND lanes IS NULL
      ELSE false
    END
  );
