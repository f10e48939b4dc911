/**
 * Many small records as one plaintext, so that they are sealed and opened as one message: a record
 * of a few hundred bytes costs less to decrypt than to set the cipher up for.
 *
 * Layout: how many there are, then the length of each, all as 32-bit big-endian numbers; then the
 * records one after the other, to the very end.
 */

export const packLimits = {
  /** Records in one pack. */
  records: 65_536,
  /** Bytes of a pack before it is sealed. */
  bytes: 64 * 1024 * 1024,
} as const;

const numberBytes = 4;

/** Null when there are too many, or they are too large together. */
export function joinRecords(records: readonly Buffer[]): Buffer | null {
  const headBytes = numberBytes * (1 + records.length);
  const bytes = records.reduce((sum, { length }) => sum + length, headBytes);
  if (records.length > packLimits.records || bytes > packLimits.bytes) return null;
  const joined = Buffer.allocUnsafe(bytes);
  joined.writeUInt32BE(records.length, 0);
  let at = numberBytes;
  let end = headBytes;
  for (const record of records) {
    joined.writeUInt32BE(record.length, at);
    joined.set(record, end);
    at += numberBytes;
    end += record.length;
  }
  return joined;
}

/** The records as views of the buffer handed in; null unless all of it is one pack. */
export function splitRecords(joined: Buffer): readonly Buffer[] | null {
  if (joined.length < numberBytes) return null;
  const count = joined.readUInt32BE(0);
  let end = numberBytes * (1 + count);
  if (count > packLimits.records || end > joined.length) return null;
  const records: Buffer[] = [];
  for (let at = numberBytes; at <= numberBytes * count; at += numberBytes) {
    const start = end;
    end += joined.readUInt32BE(at);
    if (end > joined.length) return null;
    records.push(joined.subarray(start, end));
  }
  return end === joined.length ? records : null;
}
