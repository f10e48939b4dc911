/** Byte strings in one piece of memory of their own, which can change its thread without a copy. */
export interface Packed {
  readonly lengths: readonly number[];
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export function pack(parts: readonly Uint8Array[]): Packed {
  const lengths = parts.map(({ length }) => length);
  const bytes = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return { lengths, bytes };
}

/** Views into the packed memory: whoever wipes that wipes them. */
export function unpack({ lengths, bytes }: Packed): readonly Uint8Array[] {
  let at = 0;
  return lengths.map((length) => {
    at += length;
    return bytes.subarray(at - length, at);
  });
}
