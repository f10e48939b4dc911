import { encodeFields } from "#core/fields.ts";
import type { Random } from "#core/random.ts";
import { ok, type Result } from "#core/result.ts";
import { gcm } from "#keys/gcm.ts";
import { refusedRoot } from "#keys/kms/failures.ts";
import { absolutePath, oneOf, parseShape, text } from "#keys/kms/fields.ts";
import type { Kms } from "#keys/kms/kms.ts";
import { cipherLimits } from "#keys/kms/pkcs11/cipher.ts";
import { createHsmThread, type HsmThread } from "#keys/kms/pkcs11/hsm-thread.ts";
import { readPrivateFile } from "#keys/private-file.ts";

export interface Pkcs11Config {
  readonly kind: "pkcs11";
  /** The module's shared library. */
  readonly module: string;
  /** Labels of the token and of the AES-256 key in it. */
  readonly token: string;
  readonly key: string;
  /** Holds the user PIN; of mode 0600. */
  readonly pinFile: string;
}

const pinBytesMax = 256;
const noNonce = Buffer.alloc(0);
/** CK_TOKEN_INFO has room for 32 bytes. */
const label = text(/^[\w .:@/-]{1,32}$/);

/** Null when the value is not this kind's choice. */
export function parsePkcs11Config(value: unknown): Pkcs11Config | null {
  const needs = {
    kind: oneOf("pkcs11"),
    module: absolutePath,
    token: label,
    key: label,
    pinFile: absolutePath,
  };
  return parseShape(value, { needs, may: {} });
}

interface Pkcs11Options {
  readonly random: Random;
  /** Makes the key in the token, where none of its label may be yet. */
  readonly make: boolean;
  readonly thread?: HsmThread;
}

/**
 * A root key in a PKCS#11 token that wraps with AES-256-GCM inside the module. Fails with
 * "root-key-refused" when token, key or PIN are not right or the key could be taken out, and with
 * "key-unavailable" when the module cannot be loaded or does not answer.
 */
export async function openPkcs11Kms(
  config: Pkcs11Config,
  { random, make, thread = createHsmThread() }: Pkcs11Options,
): Promise<Result<Kms>> {
  const opened = await open(config, make, { random, thread });
  if (opened.ok) return ok(kmsOf(config, { random, thread }));
  await thread.close();
  return opened;
}

interface Hsm {
  readonly random: Random;
  readonly thread: HsmThread;
}

async function open(
  { module, token, key, pinFile }: Pkcs11Config,
  make: boolean,
  { random, thread }: Hsm,
): Promise<Result<null>> {
  const pin = await readPrivateFile(pinFile, pinBytesMax);
  if (pin.found === "nothing") return refusedRoot(`there is no PIN file ${pinFile}`);
  if (pin.found === "unusable") return refusedRoot(`the PIN file ${pinFile}: ${pin.why}`);
  const nonce = random.bytes(gcm.nonceBytes);
  return thread.open({ module, token, key, pin: pin.text.trim(), make, nonce });
}

function kmsOf({ token, key, module }: Pkcs11Config, { random, thread }: Hsm): Kms {
  const aadOf = (context: string): Buffer => encodeFields(["phylax root wrap v1", context]);
  const fits = (data: Buffer, aad: Buffer): boolean =>
    data.length <= cipherLimits.dataBytes && aad.length <= cipherLimits.aadBytes;
  return {
    name: "pkcs11",
    wrap: async (kek, context) => {
      const aad = aadOf(context);
      if (!fits(kek, aad)) return refusedRoot("this is too long to be wrapped");
      return thread.work({ nonce: random.bytes(gcm.nonceBytes), aad, data: kek });
    },
    unwrap: async (wrapped, context) => {
      const aad = aadOf(context);
      if (!fits(wrapped, aad)) return refusedRoot("this root key did not wrap it");
      return thread.work({ nonce: noNonce, aad, data: wrapped });
    },
    describe: () => `key "${key}" of the token "${token}" through PKCS#11 (${module})`,
    close: () => thread.close(),
  };
}
