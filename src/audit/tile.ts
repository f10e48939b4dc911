import { hashBytes } from "#audit/merkle.ts";

/** C2SP tlog-tiles: a tile holds 256 hashes, those of eight levels of the tree at its foot. */
export const tileHeight = 8;
export const tileWidth = 256;

/** A full tile; level 0 holds leaf hashes, level L the hashes of full tiles of level L − 1. */
export interface Tile {
  readonly level: number;
  readonly index: number;
  readonly hashes: readonly Buffer[];
}

export function tileBytes(hashes: readonly Buffer[]): Buffer {
  return Buffer.concat(hashes, hashes.length * hashBytes);
}

/** The hashes in a tile's bytes; null when they are not a whole number of hashes. */
export function parseTile(bytes: Buffer): readonly Buffer[] | null {
  if (bytes.length % hashBytes !== 0) return null;
  return Array.from({ length: bytes.length / hashBytes }, (_, at) =>
    bytes.subarray(at * hashBytes, (at + 1) * hashBytes),
  );
}

/** How many hashes stand at a tile level when the tree has `size` leaves. */
export function nodesAtLevel(size: number, level: number): number {
  return Math.floor(size / tileWidth ** level);
}

/**
 * The address of a tile in a published log: `tile/<L>/<N>[.p/<W>]`, N in groups of three digits of
 * which all but the last begin with x. `width` below 256 names a partial tile.
 */
export function tilePath(level: number | "entries", index: number, width = tileWidth): string {
  const digits = String(index);
  const padded = digits.padStart(Math.ceil(digits.length / 3) * 3, "0");
  const groups = padded.match(/\d{3}/g) ?? [];
  const name = groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join("/");
  return `tile/${level}/${name}${width === tileWidth ? "" : `.p/${width}`}`;
}
