import { createSecretKey, randomBytes } from "node:crypto";
import { encodeFields } from "#core/fields.ts";
import { systemRandom } from "#core/random.ts";
import { invariant } from "#core/result.ts";
import { openUnder, sealUnder } from "#keys/gcm.ts";
import type { Kms } from "#keys/kms/kms.ts";
import { openPkcs11Kms } from "#keys/kms/pkcs11/pkcs11.ts";
import { softHsmModule, testToken } from "#keys/kms/testing-hsm.ts";
import type { Figure } from "./figure.ts";

const rounds = 5;
const keysARound = 10_000;
/** Unwraps under way at once: a keys process has many callers. */
const inFlight = 512;
const context = "phylax kek v1 ring 1";

async function perSecond(work: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await work();
  return (keysARound / (performance.now() - began)) * 1_000;
}

async function throughHsm(kms: Kms, wrapped: Buffer): Promise<void> {
  let left = keysARound;
  const caller = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const kek = await kms.unwrap(wrapped, context);
      invariant(kek.ok, "the HSM unwraps");
    }
  };
  await Promise.all(Array.from({ length: inFlight }, caller));
}

function throughNode(): () => Promise<void> {
  const key = createSecretKey(randomBytes(32));
  const aad = encodeFields(["phylax root wrap v1", context]);
  const sealed = sealUnder(key, { nonce: randomBytes(12), aad, plain: randomBytes(32) });
  return async () => {
    for (let n = 0; n < keysARound; n += 1)
      invariant(openUnder(key, aad, sealed) !== null, "it opens");
  };
}

async function measure(kms: Kms): Promise<readonly Figure[]> {
  const wrapped = await kms.wrap(randomBytes(32), context);
  invariant(wrapped.ok, "the HSM wraps");
  const raw = throughNode();
  let [hsm, node] = [0, 0];
  // In turn, so that a busy moment of the machine hits both alike.
  for (let round = 0; round < rounds; round += 1) {
    hsm = Math.max(hsm, await perSecond(() => throughHsm(kms, wrapped.value)));
    node = Math.max(node, await perSecond(raw));
  }
  return [
    {
      name: "unwrap through SoftHSM",
      value: hsm,
      unit: "keys/s",
      floor: 20_000,
      ratio: hsm / node,
      against: "raw AES-256-GCM of node:crypto",
    },
  ];
}

/** A root key that never leaves its PKCS#11 module, against the same work in this process. */
export async function run(): Promise<readonly Figure[]> {
  if (softHsmModule === null) {
    process.stderr.write("  SoftHSM2 is not installed (apt-get install softhsm2): no figure\n");
    return [];
  }
  const lasts: (() => Promise<unknown> | void)[] = [];
  const config = await testToken({ after: (last) => lasts.unshift(last) });
  const kms = await openPkcs11Kms(config, { random: systemRandom, make: true });
  invariant(kms.ok, "SoftHSM opens");
  try {
    return await measure(kms.value);
  } finally {
    await kms.value.close();
    for (const last of lasts) await last();
  }
}
