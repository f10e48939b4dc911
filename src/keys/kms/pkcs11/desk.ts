import { ok, type Result } from "#core/result.ts";
import { refusedRoot, unavailable } from "#keys/kms/failures.ts";
import { createHsmCipher, type CipherEnd, type HsmCipher } from "#keys/kms/pkcs11/cipher.ts";
import { ckrText, lostSession, unclear, wrongTag } from "#keys/kms/pkcs11/constants.ts";
import type { Job, OpenOrder } from "#keys/kms/pkcs11/messages.ts";
import { loadModule, type NativeModule } from "#keys/kms/pkcs11/native.ts";
import { findKey, makeKey, openSession, type OpenKey } from "#keys/kms/pkcs11/token.ts";

const none = Buffer.alloc(0);

/** One session with the module; each call blocks its thread for as long as the HSM takes. */
export interface HsmDesk {
  work(job: Job): Result<Uint8Array>;
  close(): void;
}

/** Fails as `openSession`, `findKey` and `makeKey` do. */
export function openDesk(order: OpenOrder): Result<HsmDesk> {
  const native = loadModule(order.module);
  if (typeof native === "string") return unavailable(native);
  const first = openKey(native, order, order.make);
  if (!first.ok) return first;
  let at = first.value;
  const cipher = createHsmCipher(native);
  const canary = cipher.seal(at, { nonce: order.nonce, aad: none, data: none });
  if (typeof canary === "number") {
    native.cryptoki.closeSession(at.session);
    return unavailable(`the HSM does not wrap with AES-GCM (${ckrText(canary)})`);
  }
  // When it still opens what it sealed at the start, a failure was the ciphertext's, not its own.
  const isWell = (): boolean => typeof cipher.open(at, { aad: none, data: canary }) !== "number";
  return ok({
    work: (job) => {
      let end = run(cipher, at, job);
      if (typeof end === "number" && lostSession.has(end)) {
        native.cryptoki.closeSession(at.session);
        const again = openKey(native, order, false);
        if (!again.ok) return unavailable(again.problem.detail ?? "the HSM opens no session");
        at = again.value;
        end = run(cipher, at, job);
      }
      return typeof end === "number" ? meaningOf(end, job, isWell) : ok(end);
    },
    close: () => {
      native.cryptoki.closeSession(at.session);
    },
  });
}

function openKey(native: NativeModule, order: OpenOrder, make: boolean): Result<OpenKey> {
  const session = openSession(native, order);
  if (!session.ok) return session;
  const find = make ? makeKey : findKey;
  const key = find(native, session.value, order.key);
  if (key.ok) return ok({ session: session.value, key: key.value });
  native.cryptoki.closeSession(session.value);
  return key;
}

function run(cipher: HsmCipher, at: OpenKey, { nonce, aad, data }: Job): CipherEnd {
  return nonce.length === 0
    ? cipher.open(at, { aad, data })
    : cipher.seal(at, { nonce, aad, data });
}

function meaningOf(code: number, { nonce }: Job, isWell: () => boolean): Result<Uint8Array> {
  const isOpening = nonce.length === 0;
  if (isOpening && (wrongTag.has(code) || (unclear.has(code) && isWell())))
    return refusedRoot("this root key did not wrap it");
  return unavailable(`the HSM does not ${isOpening ? "unwrap" : "wrap"} (${ckrText(code)})`);
}
