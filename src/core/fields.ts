const lengthBytes = 4;

/**
 * One byte form for a list of well-formed texts: each as UTF-8 behind its length (u32, big-endian).
 * No two different lists share a form, so what is authenticated with it cannot be read another way.
 */
export function encodeFields(fields: readonly string[]): Buffer {
  const lengths = fields.map((field) => Buffer.byteLength(field));
  const out = Buffer.allocUnsafe(lengths.reduce((sum, length) => sum + lengthBytes + length, 0));
  let at = 0;
  fields.forEach((field) => {
    at = writeField(out, at, field);
  });
  return out;
}

/** Writes one field at `at` and returns where it ends; the caller must have left room for it. */
export function writeField(out: Buffer, at: number, field: string): number {
  const length = out.write(field, at + lengthBytes);
  out.writeUInt32BE(length, at);
  return at + lengthBytes + length;
}

/** The most bytes that a field of so many UTF-16 units can take. */
export function fieldBytesMax(units: number): number {
  return lengthBytes + units * 3;
}
