import { gcm } from "#keys/gcm.ts";
import { ckm, ckr } from "#keys/kms/pkcs11/constants.ts";
import { memory, ulong, type NativeModule } from "#keys/kms/pkcs11/native.ts";
import type { OpenKey } from "#keys/kms/pkcs11/token.ts";

/** Sizes that a KEK and its context never reach. */
export const cipherLimits = { dataBytes: 1_024, aadBytes: 1_024 } as const;

/** A CKR, or what came out. */
export type CipherEnd = number | Buffer;

/** AES-256-GCM in the module: nonce, ciphertext and tag in one, as in `sealUnder`. */
export interface HsmCipher {
  seal(at: OpenKey, input: { nonce: Uint8Array; aad: Uint8Array; data: Uint8Array }): CipherEnd;
  open(at: OpenKey, input: { aad: Uint8Array; data: Uint8Array }): CipherEnd;
}

/**
 * Writes each call's inputs into memory that C knows already, so that a call costs no allocation.
 * Not for two calls at once. Inputs over `cipherLimits` throw a RangeError.
 */
export function createHsmCipher(native: NativeModule): HsmCipher {
  const { cryptoki } = native;
  const nonce = memory(gcm.nonceBytes);
  const aad = memory(cipherLimits.aadBytes);
  const input = memory(cipherLimits.dataBytes);
  const out = memory(cipherLimits.dataBytes + gcm.overheadBytes);
  const outBytes = ulong();
  const params = gcmParams(native, nonce, aad);
  const how = mechanism(native, params);
  const prepare = (from: { aad: Uint8Array; data: Uint8Array }): void => {
    aad.set(from.aad);
    input.set(from.data);
    params.writeBigUInt64LE(BigInt(from.aad.length), gcmParamsAt.aadBytes);
    outBytes.writeBigUInt64LE(BigInt(out.length));
  };
  const taken = (): Buffer => {
    const copy = Buffer.from(out.subarray(0, Number(outBytes.readBigUInt64LE())));
    out.fill(0);
    return copy;
  };
  return {
    seal: ({ session, key }, from) => {
      prepare(from);
      nonce.set(from.nonce);
      const begun = cryptoki.encryptInit(session, how, key);
      const bytes = BigInt(from.data.length);
      const code =
        begun === ckr.ok ? cryptoki.encrypt(session, input, bytes, out, outBytes) : begun;
      input.fill(0);
      // A module may choose the nonce itself and write it over ours.
      return code === ckr.ok ? Buffer.concat([nonce, taken()]) : code;
    },
    open: ({ session, key }, from) => {
      if (from.data.length < gcm.overheadBytes) return ckr.encryptedDataLenRange;
      const data = from.data.subarray(gcm.nonceBytes);
      prepare({ aad: from.aad, data });
      nonce.set(from.data.subarray(0, gcm.nonceBytes));
      const begun = cryptoki.decryptInit(session, how, key);
      if (begun !== ckr.ok) return begun;
      const code = cryptoki.decrypt(session, input, BigInt(data.length), out, outBytes);
      return code === ckr.ok ? taken() : code;
    },
  };
}

/** CK_GCM_PARAMS of v2.40 errata 01: pIv, ulIvLen, ulIvBits, pAAD, ulAADLen, ulTagBits. */
const gcmParamsAt = { nonceBytes: 8, nonceBits: 16, aad: 24, aadBytes: 32, tagBits: 40 } as const;

function gcmParams(native: NativeModule, nonce: Buffer, aad: Buffer): Buffer {
  const params = memory(48);
  params.writeBigUInt64LE(native.addressOf(nonce), 0);
  params.writeBigUInt64LE(BigInt(gcm.nonceBytes), gcmParamsAt.nonceBytes);
  params.writeBigUInt64LE(BigInt(gcm.nonceBytes * 8), gcmParamsAt.nonceBits);
  params.writeBigUInt64LE(native.addressOf(aad), gcmParamsAt.aad);
  params.writeBigUInt64LE(BigInt(gcm.tagBytes * 8), gcmParamsAt.tagBits);
  return params;
}

/** CK_MECHANISM: mechanism, pParameter, ulParameterLen. */
function mechanism(native: NativeModule, params: Buffer): Buffer {
  const how = memory(24);
  how.writeBigUInt64LE(ckm.aesGcm, 0);
  how.writeBigUInt64LE(native.addressOf(params), 8);
  how.writeBigUInt64LE(BigInt(params.length), 16);
  return how;
}
