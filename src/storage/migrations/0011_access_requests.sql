-- Requests of people for access to their record (45 CFR 164.524), every version of each. What was
-- asked, who decided what and why are sealed under the patient's key; the dates stand in the clear,
-- so that the register can be put in the order of its deadlines without opening any.
CREATE TABLE records.access_request (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  id uuid NOT NULL,
  version integer NOT NULL CHECK (version > 0),
  -- The patient's pseudonym.
  compartment uuid NOT NULL,
  asked_on date NOT NULL,
  due_on date NOT NULL,
  -- Whether an answer is still owed.
  is_open boolean NOT NULL,
  changed_at timestamptz NOT NULL,
  dek_version integer NOT NULL,
  sealed bytea NOT NULL,
  PRIMARY KEY (tenant, id, version)
);
CREATE INDEX access_request_of_patient ON records.access_request (compartment);
CREATE INDEX access_request_due ON records.access_request (tenant, due_on) WHERE is_open;
CREATE INDEX access_request_closed ON records.access_request (tenant, changed_at) WHERE NOT is_open;

-- A readable copy of a record or one for programs, made once and fetched later, in pieces that are
-- packs of the vault. Both tables lose what has run out.
CREATE TABLE records.export (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  id uuid NOT NULL,
  compartment uuid NOT NULL,
  -- Who may fetch it.
  account uuid NOT NULL,
  form text NOT NULL,
  made_at timestamptz NOT NULL,
  ends_at timestamptz NOT NULL,
  bytes bigint NOT NULL,
  resources integer NOT NULL,
  pieces integer NOT NULL,
  PRIMARY KEY (tenant, id)
);
CREATE INDEX export_end ON records.export (tenant, ends_at);
CREATE INDEX export_of_patient ON records.export (compartment);

CREATE TABLE records.export_piece (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  export uuid NOT NULL,
  place integer NOT NULL,
  -- Of the copy's bytes, the place of this piece's first and how many it has.
  starts_at bigint NOT NULL,
  bytes integer NOT NULL,
  dek_version integer NOT NULL,
  sealed bytea NOT NULL,
  ends_at timestamptz NOT NULL,
  PRIMARY KEY (tenant, export, place)
);
ALTER TABLE records.export_piece ALTER COLUMN sealed SET STORAGE EXTERNAL;
CREATE INDEX export_piece_end ON records.export_piece (tenant, ends_at);

ALTER TABLE records.access_request ENABLE ROW LEVEL SECURITY;
ALTER TABLE records.export ENABLE ROW LEVEL SECURITY;
ALTER TABLE records.export_piece ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON records.access_request
  USING (tenant = current_setting('phylax.tenant')::uuid);
CREATE POLICY own_tenant ON records.export
  USING (tenant = current_setting('phylax.tenant')::uuid);
CREATE POLICY own_tenant ON records.export_piece
  USING (tenant = current_setting('phylax.tenant')::uuid);

-- To the register is only added: what was decided when stays readable.
GRANT SELECT, INSERT ON records.access_request TO phylax_records;
GRANT SELECT, INSERT, DELETE ON records.export, records.export_piece TO phylax_records;
