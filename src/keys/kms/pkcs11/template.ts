import { memory, type NativeModule, ulong } from "#keys/kms/pkcs11/native.ts";

/** An attribute and its value; for reading, room for it. */
export type Attribute = readonly [type: bigint, value: Buffer];

/** CK_ATTRIBUTE[]; the values are kept, because C only knows their addresses. */
export interface Template {
  readonly bytes: Buffer;
  readonly count: bigint;
  readonly values: readonly Buffer[];
}

/** CK_ATTRIBUTE: type, pValue, ulValueLen. */
const attributeBytes = 24;

export function templateOf(native: NativeModule, attributes: readonly Attribute[]): Template {
  const bytes = memory(attributeBytes * attributes.length);
  const values = attributes.map(([type, given], i) => {
    const value = memory(Math.max(1, given.length));
    given.copy(value);
    const at = i * attributeBytes;
    bytes.writeBigUInt64LE(type, at);
    bytes.writeBigUInt64LE(native.addressOf(value), at + 8);
    bytes.writeBigUInt64LE(BigInt(given.length), at + 16);
    return value;
  });
  return { bytes, count: BigInt(attributes.length), values };
}

export const yes = Buffer.from([1]);
export const no = Buffer.from([0]);
export const number = ulong;
