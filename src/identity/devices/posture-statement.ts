import { laterBy, parseInstant, type Instant } from "#core/clock.ts";
import { parseDeviceId, type DeviceId } from "#core/ids.ts";
import { importVerifyKey, isSignedBy, parseJws, type CompactJws } from "#core/jws.ts";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import type { DeviceManagers } from "#identity/devices/device-managers.ts";

export const postureLimits = {
  statementChars: 4_096,
  /** How old a statement may be when it comes, and how far ahead its sender's clock. */
  ageMs: 5 * 60_000,
  aheadMs: 60_000,
  /** How long the manager may let its word count. */
  lastsSeconds: { least: 60, most: 24 * 60 * 60 },
} as const;

/** What a manager says of one device. */
export interface PostureStatement {
  readonly manager: string;
  readonly device: DeviceId;
  readonly healthy: boolean;
  readonly saidAt: Instant;
  readonly validUntil: Instant;
}

export interface StatementContext {
  readonly managers: DeviceManagers;
  /** Whom it must be for: the public origin. */
  readonly audience: string;
  readonly now: Instant;
}

const wrong = (at: string) => refuse("parameter-invalid", { at: `statement.${at}` });

async function managerOf(jws: CompactJws, managers: DeviceManagers): Promise<string | null> {
  const { iss } = jws.claims;
  const jwk = typeof iss === "string" ? managers.get(iss) : undefined;
  if (typeof iss !== "string" || jwk === undefined) return null;
  const key = await importVerifyKey(jwk, jws.header["alg"]);
  return key !== null && (await isSignedBy(jws, key)) ? iss : null;
}

/** RFC 7519 §4.1.6: seconds since 1970, which need not be whole. */
function instantOf(value: unknown): Instant | null {
  return typeof value === "number" ? parseInstant(Math.round(value * 1_000)) : null;
}

function lastingMs(value: unknown): number | null {
  const { least, most } = postureLimits.lastsSeconds;
  const isFit = typeof value === "number" && Number.isInteger(value);
  return isFit && value >= least && value <= most ? value * 1_000 : null;
}

/**
 * Reads a compact JWS (RFC 7515) of type `device-posture+jwt` with the claims `iss` (the manager),
 * `aud` (our origin), `iat`, `sub` (the device's id), `healthy` and `lastsSeconds`. Fails as
 * "proof-invalid" when no known manager signed it, it is for somebody else, or too old or too new;
 * as "parameter-invalid" when a claim is not as it should be.
 */
export async function readStatement(
  text: unknown,
  { managers, audience, now }: StatementContext,
): Promise<Result<PostureStatement>> {
  const jws = typeof text === "string" ? parseJws(text, postureLimits.statementChars) : null;
  // RFC 8725 §3.11: else what the same key signed for another use could pose as a statement.
  if (jws === null || jws.header["typ"] !== "device-posture+jwt") return wrong("typ");
  const manager = await managerOf(jws, managers);
  if (manager === null) return refuse("proof-invalid", { at: "statement" });
  const { aud, iat, sub, healthy, lastsSeconds } = jws.claims;
  if (aud !== audience) return refuse("proof-invalid", { at: "statement.aud" });
  const saidAt = instantOf(iat);
  if (saidAt === null) return wrong("iat");
  const isTimely =
    saidAt >= laterBy(now, -postureLimits.ageMs) && saidAt <= laterBy(now, postureLimits.aheadMs);
  if (!isTimely) return refuse("proof-invalid", { at: "statement.iat" });
  const device = typeof sub === "string" ? parseDeviceId(sub) : null;
  if (device === null) return wrong("sub");
  if (typeof healthy !== "boolean") return wrong("healthy");
  const lastsMs = lastingMs(lastsSeconds);
  if (lastsMs === null) return wrong("lastsSeconds");
  return ok({ manager, device, healthy, saidAt, validUntil: laterBy(saidAt, lastsMs) });
}
