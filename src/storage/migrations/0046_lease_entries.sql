-- "Which summaries did this device keep, and until when": of the few entries about accounts alone.
CREATE INDEX entry_account_change ON audit.entry (device, time) WHERE action = 'account-change';
