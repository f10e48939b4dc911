import { randomBytes } from "node:crypto";
import { parsePseudonym, parseResourceId, parseResourceType, parseTenantId } from "#core/ids.ts";
import { systemRandom } from "#core/random.ts";
import { invariant } from "#core/result.ts";
import { createTown } from "#town/town.ts";
import { takeDataKey } from "#vault/data-key.ts";
import { createRecordCipher } from "#vault/record-cipher.ts";
import { systemRun } from "#vault/run-watch.ts";
import { parsed } from "../support.ts";

const resources = 1_000;
const rounds = 30;

function townTexts(): readonly string[] {
  const texts: string[] = [];
  const town = createTown({ seed: 12, patients: 100, asOf: "2026-10-01" });
  for (const record of town.patients()) {
    texts.push(...record.map((each) => JSON.stringify(each)));
    if (texts.length >= resources) break;
  }
  return texts.slice(0, resources);
}

/** Milliseconds in which a thousand of the town's resources are opened and parsed; the median. */
export function openAndParseMs(): number {
  const tenant = parsed(parseTenantId, systemRandom.uuid());
  const place = {
    tenant,
    compartment: parsed(parsePseudonym, systemRandom.uuid()),
    type: parsed(parseResourceType, "Observation"),
    id: parsed(parseResourceId, systemRandom.uuid()),
    version: 1,
    dekVersion: 1,
  };
  const key = takeDataKey(randomBytes(32), { ...place, kekEpoch: 1, seals: 0 });
  const cipher = createRecordCipher(tenant, { random: systemRandom, ...systemRun });
  const sealed = townTexts().map((text) => cipher.seal(key, place, Buffer.from(text)));
  invariant(sealed.length === resources, "the town has as many");
  const took = Array.from({ length: rounds }, () => {
    const began = performance.now();
    for (const each of sealed) {
      const plain = cipher.open(key, place, each);
      invariant(plain !== null, "it opens");
      JSON.parse(plain.toString("utf8"));
    }
    return performance.now() - began;
  });
  return took.sort((a, b) => a - b)[rounds / 2] ?? Number.NaN;
}
