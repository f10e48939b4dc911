-- What was changed in one record, newest first: of the rows that newer versions replaced, as
-- resource_of_patient is of those that are current. Not led by the tenant, whom a pseudonym implies.
CREATE INDEX resource_history_of_patient
  ON records.resource_history (compartment, type, last_updated DESC);
