import { refuse } from "#core/problem.ts";
import { systemRandom } from "#core/random.ts";
import { ok } from "#core/result.ts";
import type { Kms } from "#keys/kms/kms.ts";

/** A KMS in memory that can be down, silent, or lie, and says whether it was closed. */
export interface TestKms extends Kms {
  state: "up" | "down" | "lies";
  /** Holds every answer back until it resolves. */
  gate: Promise<void>;
  closed: boolean;
}

/** Keeps what it wrapped and gives it back only for the same bytes and context. */
export function testKms(name: string): TestKms {
  const kept = new Map<string, Buffer>();
  const down = refuse("key-unavailable", { detail: "the test KMS is down" });
  const kms: TestKms = {
    name,
    state: "up",
    gate: Promise.resolve(),
    closed: false,
    wrap: async (kek, context) => {
      await kms.gate;
      if (kms.state === "down") return down;
      const handle = systemRandom.bytes(64);
      kept.set(`${handle.toString("hex")} ${context}`, Buffer.from(kek));
      return ok(handle);
    },
    unwrap: async (wrapped, context) => {
      await kms.gate;
      if (kms.state === "down") return down;
      if (kms.state === "lies") return ok(Buffer.alloc(32));
      const kek = kept.get(`${wrapped.toString("hex")} ${context}`);
      return kek === undefined ? refuse("root-key-refused") : ok(Buffer.from(kek));
    },
    describe: () => "memory",
    close: async () => {
      kms.closed = true;
    },
  };
  return kms;
}
