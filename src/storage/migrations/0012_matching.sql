-- Charts of one person that somebody decided to be one. Each chart stays sealed under its own key;
-- what stands here says only that two pseudonyms are the same person, or are not.

-- Every decision, for ever: who made it, when, of whom, and which Task says why.
CREATE TABLE records.chart_decision (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  -- Of the Task, sealed in the surviving chart, that holds reason and evidence.
  id text COLLATE "C" NOT NULL,
  kind text NOT NULL CHECK (kind IN ('merge', 'unmerge', 'distinct')),
  survivor uuid NOT NULL,
  survivor_id text COLLATE "C" NOT NULL,
  other uuid NOT NULL CHECK (other <> survivor),
  other_id text COLLATE "C" NOT NULL,
  decided_by uuid NOT NULL,
  decided_at timestamptz NOT NULL,
  PRIMARY KEY (tenant, id)
);
CREATE INDEX chart_decision_newest ON records.chart_decision (tenant, decided_at DESC, id DESC);

-- Charts that are merged away now. One level deep: a survivor is not merged away itself.
CREATE TABLE records.merged_chart (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  merged uuid NOT NULL,
  merged_id text COLLATE "C" NOT NULL,
  -- Of the Patient, as the merge wrote it: the version before it shows how she was.
  merged_version integer NOT NULL,
  survivor uuid NOT NULL CHECK (survivor <> merged),
  survivor_id text COLLATE "C" NOT NULL,
  decision text COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant, merged)
);
CREATE INDEX merged_chart_of_survivor ON records.merged_chart (survivor);

-- Pairs that somebody found to be two persons, so that they are not proposed again.
CREATE TABLE records.distinct_charts (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  one uuid NOT NULL,
  other uuid NOT NULL CHECK (one < other),
  decision text COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant, one, other)
);

-- Every ordered pair of charts that are one person's now; kept by the trigger below alone.
CREATE TABLE records.same_person (
  tenant uuid NOT NULL DEFAULT current_setting('phylax.tenant')::uuid,
  one uuid NOT NULL,
  other uuid NOT NULL,
  PRIMARY KEY (tenant, one, other)
);

-- Grows with every change of merged_chart, so that a process sees that its copy is old. Its row's
-- lock also has merges of one tenant wait for each other.
CREATE TABLE records.merge_change (
  tenant uuid PRIMARY KEY DEFAULT current_setting('phylax.tenant')::uuid,
  change bigint NOT NULL
);

CREATE FUNCTION records.join_charts() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  changed records.merged_chart;
  members uuid[];
BEGIN
  IF TG_OP = 'DELETE' THEN changed := OLD; ELSE changed := NEW; END IF;
  INSERT INTO records.merge_change (tenant, change) VALUES (changed.tenant, 1)
  ON CONFLICT (tenant) DO UPDATE SET change = records.merge_change.change + 1;
  DELETE FROM records.same_person
  WHERE tenant = changed.tenant
    AND (one IN (changed.merged, changed.survivor) OR other IN (changed.merged, changed.survivor));
  SELECT array_agg(merged) || changed.survivor INTO members
  FROM records.merged_chart
  WHERE tenant = changed.tenant AND survivor = changed.survivor;
  INSERT INTO records.same_person (tenant, one, other)
  SELECT changed.tenant, a.chart, b.chart FROM unnest(members) AS a (chart), unnest(members) AS b (chart)
  WHERE a.chart <> b.chart
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION records.join_charts() FROM PUBLIC;
CREATE TRIGGER join_charts AFTER INSERT OR DELETE ON records.merged_chart
  FOR EACH ROW EXECUTE FUNCTION records.join_charts();

-- Of a shredded patient nothing tells any more whose chart it once was.
CREATE FUNCTION records.part_shredded() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  DELETE FROM records.merged_chart
  WHERE tenant = NEW.tenant AND NEW.compartment::uuid IN (merged, survivor);
  DELETE FROM records.distinct_charts
  WHERE tenant = NEW.tenant AND NEW.compartment::uuid IN (one, other);
  DELETE FROM records.chart_decision
  WHERE tenant = NEW.tenant AND NEW.compartment::uuid IN (survivor, other);
  RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION records.part_shredded() FROM PUBLIC;
CREATE TRIGGER part_shredded AFTER INSERT ON keyring.shredded
  FOR EACH ROW EXECUTE FUNCTION records.part_shredded();

-- Who cares for a person by any of her charts cares for her in all of them.
CREATE VIEW records.care WITH (security_invoker = true) AS
  SELECT practitioner, patient, starts_at, ends_at FROM records.care_relation
  UNION ALL
  SELECT c.practitioner, s.one, c.starts_at, c.ends_at
  FROM records.same_person s JOIN records.care_relation c ON c.patient = s.other;

ALTER TABLE records.chart_decision ENABLE ROW LEVEL SECURITY;
ALTER TABLE records.merged_chart ENABLE ROW LEVEL SECURITY;
ALTER TABLE records.distinct_charts ENABLE ROW LEVEL SECURITY;
ALTER TABLE records.same_person ENABLE ROW LEVEL SECURITY;
ALTER TABLE records.merge_change ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON records.chart_decision
  USING (tenant = current_setting('phylax.tenant')::uuid);
CREATE POLICY own_tenant ON records.merged_chart
  USING (tenant = current_setting('phylax.tenant')::uuid);
CREATE POLICY own_tenant ON records.distinct_charts
  USING (tenant = current_setting('phylax.tenant')::uuid);
CREATE POLICY own_tenant ON records.same_person
  USING (tenant = current_setting('phylax.tenant')::uuid);
CREATE POLICY own_tenant ON records.merge_change
  USING (tenant = current_setting('phylax.tenant')::uuid);

GRANT SELECT, INSERT ON records.chart_decision TO phylax_records;
GRANT SELECT, INSERT, DELETE ON records.merged_chart, records.distinct_charts TO phylax_records;
GRANT SELECT ON records.same_person, records.merge_change, records.care TO phylax_records;
