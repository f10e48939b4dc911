import { step, stirAt, type Stir, stirFor } from "#town/hash.ts";

/** Gives the uuid of the thing of this kind at this place; always the same one. */
export type IdSource = (kind: string, first: number, second?: number) => string;

const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

function byteHex(word: number, shift: number): string {
  return hex[(word >>> shift) & 0xff] ?? "";
}

/** RFC 9562 §5.8: version 8 is for uuids whose 122 free bits follow a rule of one's own. */
function uuidOf(stir: Stir): string {
  const a = step(stir);
  const b = (step(stir) & 0xffff0fff) | 0x8000;
  const c = (step(stir) & 0x3fffffff) | 0x80000000;
  const d = step(stir);
  return (
    `${byteHex(a, 24)}${byteHex(a, 16)}${byteHex(a, 8)}${byteHex(a, 0)}-` +
    `${byteHex(b, 24)}${byteHex(b, 16)}-${byteHex(b, 8)}${byteHex(b, 0)}-` +
    `${byteHex(c, 24)}${byteHex(c, 16)}-` +
    `${byteHex(c, 8)}${byteHex(c, 0)}${byteHex(d, 24)}${byteHex(d, 16)}${byteHex(d, 8)}${byteHex(d, 0)}`
  );
}

export function idSource(seed: number): IdSource {
  const starts = new Map<string, Stir>();
  return (kind, first, second = 0) => {
    let start = starts.get(kind);
    if (start === undefined) {
      start = stirFor(seed, `id ${kind}`);
      starts.set(kind, start);
    }
    return uuidOf(stirAt(start, first, second));
  };
}
