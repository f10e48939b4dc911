-- From when on, in ms since 1970, the person may act for the patient in the same place: a grant that
-- begins later is told of before, and holds by the clock at each request. What was told until now held.
ALTER TABLE identity.session
  ADD COLUMN acts_for_from bigint[] NOT NULL DEFAULT '{}';
ALTER TABLE identity.session DISABLE TRIGGER USER;
UPDATE identity.session SET acts_for_from = array_fill(0::bigint, ARRAY[cardinality(acts_for)])
  WHERE cardinality(acts_for) > 0;
ALTER TABLE identity.session ENABLE TRIGGER USER;
ALTER TABLE identity.session ADD CONSTRAINT session_acts_for_from
  CHECK (cardinality(acts_for) = cardinality(acts_for_from));

CREATE OR REPLACE VIEW identity.live WITH (security_barrier) AS
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
    least(session.ends_at, account.opened_until) AS ends_at,
    session.ended_at IS NOT NULL
      OR account.status <> 'active'
      OR now() >= session.ends_at
      OR (now() >= account.opened_until) IS TRUE
      OR now() >= session.last_seen + session.idle_ms * interval '1 millisecond' AS ended,
    session.acts_for,
    session.acts_for_until,
    session.acts_for_from
  FROM identity.session
  JOIN identity.account ON account.tenant = session.tenant AND account.id = session.account
  JOIN identity.device ON device.tenant = session.tenant AND device.id = session.device
  WHERE session.tenant = current_setting('phylax.tenant')::uuid;

-- Accounts whose names were never made findable.
CREATE INDEX account_unnamed ON identity.account (tenant, id) WHERE name_blind IS NULL;
