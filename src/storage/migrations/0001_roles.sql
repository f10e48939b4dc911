-- Run by the administrator of the server; every later file runs as phylax_owner.
-- Passwords are set by the migrator, not here.

DO $$
DECLARE
  role text;
BEGIN
  FOREACH role IN ARRAY ARRAY['phylax_owner', 'phylax_records', 'phylax_identity', 'phylax_auditor', 'phylax_keeper'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
      EXECUTE format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS', role);
    END IF;
  END LOOP;
  -- An administrator who is no superuser may act as the owner only when a member of it.
  IF NOT pg_has_role(current_user, 'phylax_owner', 'MEMBER') THEN
    EXECUTE format('GRANT phylax_owner TO %I', current_user);
  END IF;
  EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
  EXECUTE format(
    'GRANT CONNECT ON DATABASE %I TO phylax_owner, phylax_records, phylax_identity, phylax_auditor, phylax_keeper',
    current_database());
END
$$;

REVOKE ALL ON SCHEMA public FROM PUBLIC;

CREATE SCHEMA audit AUTHORIZATION phylax_owner;
CREATE SCHEMA keyring AUTHORIZATION phylax_owner;
CREATE SCHEMA records AUTHORIZATION phylax_owner;
CREATE SCHEMA identity AUTHORIZATION phylax_owner;
