import { createHash, timingSafeEqual } from "node:crypto";
import { combine, split } from "shamir-secret-sharing";
import { encodeFields } from "#core/fields.ts";
import { refuse } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import { failed, ok, type Result } from "#core/result.ts";
import { identityFingerprint } from "#keys/escrow.ts";

/** One custodian's part of an escrow's identity. */
export interface EscrowShare {
  /** Names the escrow; a uuid. */
  readonly escrow: string;
  /** From 1. */
  readonly number: number;
  readonly shares: number;
  /** So many shares open the escrow; fewer tell nothing at all about its identity. */
  readonly threshold: number;
  /** Fingerprint of the identity that the shares make up. */
  readonly opens: string;
  readonly data: Buffer;
}

/** A threshold of one would be a copy of the key in every hand. */
export const shareLimits = { sharesMax: 32, thresholdMin: 2, textBytes: 16 * 1024 } as const;

const begin = "-----BEGIN PHYLAX ESCROW SHARE-----";
const end = "-----END PHYLAX ESCROW SHARE-----";
const checkHexDigits = 16;
/** An identity has 77 characters, and a share one byte more. */
const dataBytesMax = 128;
const hexPerGroup = 8;
const groupsPerLine = 8;

/** Null unless a split into so many shares with this threshold is possible and means anything. */
export function parseSplit(shares: number, threshold: number): Result<null> {
  const fits =
    Number.isInteger(shares) &&
    Number.isInteger(threshold) &&
    shares <= shareLimits.sharesMax &&
    threshold >= shareLimits.thresholdMin &&
    threshold <= shares;
  const { sharesMax, thresholdMin } = shareLimits;
  return fits
    ? ok(null)
    : refuse("parameter-invalid", {
        detail: `choose up to ${sharesMax} shares, and a threshold from ${thresholdMin} to their number`,
      });
}

/**
 * Splits an identity (Shamir over GF(2^8)). Fails as parseSplit does. The polynomials' chance is
 * that of the library, the system's own.
 */
export async function splitIdentity(
  { identity, opens }: { readonly identity: string; readonly opens: string },
  { shares, threshold }: { readonly shares: number; readonly threshold: number },
  random: Random,
): Promise<Result<readonly EscrowShare[]>> {
  const fits = parseSplit(shares, threshold);
  if (!fits.ok) return fits;
  const escrow = random.uuid();
  const parts = await split(new Uint8Array(Buffer.from(identity)), shares, threshold);
  return ok(
    parts.map((part, i) => {
      const data = Buffer.from(part.buffer, part.byteOffset, part.byteLength);
      return { escrow, number: i + 1, shares, threshold, opens, data };
    }),
  );
}

/**
 * Brings shares together to the identity. Fails with "escrow-refused" when they are of different
 * escrows, too few, or when one of them was altered in a way that its own check does not show.
 */
export async function combineShares(shares: readonly EscrowShare[]): Promise<Result<string>> {
  const distinct = [...new Map(shares.map((share) => [share.number, share])).values()];
  const [first] = distinct;
  if (first === undefined) return refused("no share was given");
  const stranger = distinct.find((share) => !areOfOne(first, share));
  if (stranger !== undefined)
    return refused(
      `share ${stranger.number} is of escrow ${stranger.escrow}, share ${first.number} of ${first.escrow}`,
    );
  const missing = first.threshold - distinct.length;
  if (missing > 0)
    return refused(
      `${distinct.length} shares were given; ${first.threshold} different ones are needed`,
    );
  const identity = await combined(distinct.map(({ data }) => new Uint8Array(data)));
  return identity !== null && (await identityFingerprint(identity)) === first.opens
    ? ok(identity)
    : refused("the shares do not fit together: one of them was altered; try others");
}

const refused = (detail: string): ReturnType<typeof refuse> => refuse("escrow-refused", { detail });

function areOfOne(a: EscrowShare, b: EscrowShare): boolean {
  return (
    a.escrow === b.escrow &&
    a.opens === b.opens &&
    a.threshold === b.threshold &&
    a.shares === b.shares
  );
}

async function combined(parts: Uint8Array[]): Promise<string | null> {
  try {
    const secret = await combine(parts);
    const identity = Buffer.from(secret).toString("latin1");
    secret.fill(0);
    return identity;
  } catch {
    return null;
  } finally {
    for (const part of parts) part.fill(0);
  }
}

/** Finds slips of the pen and of the disk; that nobody meddled is for the fingerprint to say. */
function checkOf({ escrow, number, shares, threshold, opens, data }: EscrowShare): string {
  const fields = [escrow, ...[number, shares, threshold].map(String), opens, data.toString("hex")];
  return createHash("sha256")
    .update(encodeFields(["phylax escrow share v1", ...fields]))
    .digest("hex")
    .slice(0, checkHexDigits);
}

/** The block that a share's file holds, in hex so that it can be typed in from paper. */
export function printShare(share: EscrowShare): string {
  const groups = share.data.toString("hex").match(new RegExp(`.{1,${hexPerGroup}}`, "g")) ?? [];
  const lines: string[] = [];
  for (let at = 0; at < groups.length; at += groupsPerLine)
    lines.push(`data: ${groups.slice(at, at + groupsPerLine).join(" ")}`);
  return [
    begin,
    `escrow: ${share.escrow}`,
    `share: ${share.number} of ${share.shares}`,
    `needed: ${share.threshold}`,
    `opens: ${share.opens}`,
    ...lines,
    `check: ${checkOf(share)}`,
    end,
    "",
  ].join("\n");
}

const shareForm = new RegExp(
  [
    "escrow: (?<escrow>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})",
    "share: (?<number>[1-9][0-9]?) of (?<shares>[1-9][0-9]?)",
    "needed: (?<threshold>[1-9][0-9]?)",
    "opens: (?<opens>[0-9a-f]{64})",
    "(?<data>(?:data: [0-9a-f ]+\n)+)check: (?<check>[0-9a-f]{16})",
  ].join("\n"),
);

/**
 * Reads the one share in a text, whatever stands around it. Fails with "escrow-refused" when there
 * is none or more than one, or when its check shows that it was mistyped or damaged.
 */
export function parseShare(text: string): Result<EscrowShare> {
  const blocks = text.replaceAll("\r\n", "\n").split(begin).slice(1);
  const [block] = blocks;
  if (block === undefined || blocks.length > 1 || !block.includes(end))
    return refused("it does not hold one escrow share");
  const tidy = block
    .slice(0, block.indexOf(end))
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const found = shareForm.exec(tidy.join("\n"))?.groups;
  const share = found && shareOf(found);
  if (found === undefined || share === undefined)
    return refused("the escrow share has not the form of one");
  const due = Buffer.from(checkOf(share));
  return timingSafeEqual(due, Buffer.from(found["check"] ?? "".padEnd(checkHexDigits)))
    ? ok(share)
    : failed(refused(`share ${share.number} was mistyped or damaged`).problem);
}

function shareOf(found: Readonly<Record<string, string>>): EscrowShare | undefined {
  const hex = (found["data"] ?? "").replaceAll("data:", "").replaceAll(/\s/g, "");
  const data = Buffer.from(hex, "hex");
  const [number, shares, threshold] = ["number", "shares", "threshold"].map((name) =>
    Number(found[name]),
  );
  if (number === undefined || shares === undefined || threshold === undefined) return undefined;
  if (data.length * 2 !== hex.length || data.length < 2 || data.length > dataBytesMax)
    return undefined;
  if (number > shares || !parseSplit(shares, threshold).ok) return undefined;
  return {
    escrow: found["escrow"] ?? "",
    number,
    shares,
    threshold,
    opens: found["opens"] ?? "",
    data,
  };
}
