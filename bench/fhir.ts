import type { Figure } from "./figure.ts";
import { figuresOf, measure, type Measured } from "./fhir/measure.ts";
import { openAndParseMs } from "./fhir/page.ts";

const resources = 30_000;
/** Sealed search, as a share of the same search of rows that are not sealed. */
const sealedShare = 0.7;

function beside(sealed: Measured, plain: Measured): readonly Figure[] {
  const against = "our own plaintext mode, which no product can be told to run in";
  const kinds = [
    ["read", "read"],
    ["search of Patient by name", "byName"],
    ["search of Observation by patient and code", "byCode"],
    ["create", "create"],
  ] as const;
  return kinds.map(([name, kind]): Figure => {
    const ratio = sealed[kind].perSecond / plain[kind].perSecond;
    const floor = kind === "byName" || kind === "byCode" ? { floor: sealedShare } : {};
    return {
      name: `${name}, sealed against plaintext`,
      value: ratio,
      unit: "×",
      ...floor,
      ratio,
      against,
    };
  });
}

/**
 * One records process on PostgreSQL that flushes to disk, asked over its socket without TLS by 16
 * clients: token, proof, session, policy, opening and durable log with each answer.
 */
export async function run(): Promise<readonly Figure[]> {
  const page: Figure = {
    name: "1,000 resources opened and parsed",
    value: openAndParseMs(),
    unit: "ms",
    ceiling: 10,
  };
  const sealed = await measure(resources);
  const plain = await measure(resources, true);
  return [...figuresOf(sealed), page, ...beside(sealed, plain)];
}
