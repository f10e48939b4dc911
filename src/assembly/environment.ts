import { join } from "node:path";
import { recoveryWaitLimits, type RecoveryWaits } from "#identity/recovery/waits.ts";
import { brakeLimits } from "#records/brake/bounds.ts";
import { breakGlassLimits, type EmergencyRules } from "#records/break-glass/rules.ts";
import { logOffLimits, type LogOffRules } from "#identity/sessions/log-off.ts";

/** What the product takes from its surroundings; read once, by main.ts alone. */
export interface Environment {
  readonly homePath: string;
  /** Public TCP port of the gateway. */
  readonly port: number | null;
  /** An outside PostgreSQL's URL for its owner role; null means the embedded server. */
  readonly databaseUrl: string | null;
  readonly rootPassphrase: string | null;
  readonly rootPassphraseFile: string | null;
  /** Names the KMS of a deployment's first start, in the form of `kms.json`; null means a file. */
  readonly kmsFile: string | null;
  /** Refuse to run unless node:crypto runs on a FIPS provider. */
  readonly fipsRequired: boolean;
  /** What the operator says of the module and its certificate (NIST CMVP); shown, never believed. */
  readonly fipsModule: string | null;
  readonly fipsCertificate: string | null;
  /** How long records are read with keys in memory while the keys process does not answer. */
  readonly keysGraceMs: number;
  /** Multiplies the gateway's limits per address, for many people behind one address or a load test. */
  readonly rateShare: number;
  /** The age in years at which a parent's access to a child's record ends; States differ. */
  readonly parentEndsAtAge: number;
  /** How long a chart opened in an emergency stays open, and how many one person may open. */
  readonly emergency: EmergencyRules;
  /** Multiplies what one person may be shown of others' records in an hour. */
  readonly brakeShare: number;
  readonly logOff: LogOffRules;
  readonly recoveryWaits: RecoveryWaits;
  readonly colour: boolean;
}

function text(value: string | undefined): string | null {
  return value === undefined || value === "" ? null : value;
}

function port(value: string | undefined): number | null {
  const number = Number(value ?? "");
  return Number.isInteger(number) && number > 0 && number < 65_536 ? number : null;
}

function share(value: string | undefined): number {
  const number = Number(value ?? "1");
  return Number.isFinite(number) && number >= 1 ? number : 1;
}

const defaultKeysGraceSeconds = 120;
/** A key stays in memory for a quarter of an hour at most; longer grace would be none. */
const keysGraceMaxSeconds = 900;

/** Whole seconds, 0 for no grace at all; what is none, or too long, means the default. */
function keysGrace(value: string | undefined): number {
  const seconds = Number(text(value) ?? defaultKeysGraceSeconds);
  const isFit = Number.isInteger(seconds) && seconds >= 0 && seconds <= keysGraceMaxSeconds;
  return (isFit ? seconds : defaultKeysGraceSeconds) * 1_000;
}

const defaultParentEndsAtAge = 18;
const parentEndsAtAges = { least: 12, most: 21 } as const;

/** Whole years from 12 to 21; what is none, or beyond, means the default. */
function parentEndsAtAge(value: string | undefined): number {
  const years = Number(text(value) ?? defaultParentEndsAtAge);
  const { least, most } = parentEndsAtAges;
  return Number.isInteger(years) && years >= least && years <= most
    ? years
    : defaultParentEndsAtAge;
}

/** Whole seconds within the limits; what is none, or outside of them, means what is usual. */
function secondsWithin(
  value: string | undefined,
  { least, usual, most }: { readonly least: number; readonly usual: number; readonly most: number },
): number {
  const seconds = Number(text(value) ?? Number.NaN);
  const ms = seconds * 1_000;
  return Number.isInteger(seconds) && ms >= least && ms <= most ? ms : usual;
}

/** A whole number within the limits; what is none, or outside of them, means what is usual. */
function countWithin(
  value: string | undefined,
  { least, usual, most }: { readonly least: number; readonly usual: number; readonly most: number },
): number {
  const count = Number(text(value) ?? Number.NaN);
  return Number.isInteger(count) && count >= least && count <= most ? count : usual;
}

/** A number within the limits, which need not be whole; else what is usual. */
function shareWithin(
  value: string | undefined,
  { least, usual, most }: { readonly least: number; readonly usual: number; readonly most: number },
): number {
  const number = Number(text(value) ?? Number.NaN);
  return number >= least && number <= most ? number : usual;
}

/** A misspelt wish must not turn it off: whatever is not "off" asks for it. */
function fipsWish(value: string | undefined): boolean {
  return (text(value) ?? "off") !== "off";
}

/** Reads PHYLAX_HOME, PHYLAX_PORT, DATABASE_URL, PHYLAX_ROOT_PASSPHRASE(_FILE), PHYLAX_KMS_FILE, PHYLAX_FIPS(_MODULE, _CERTIFICATE), PHYLAX_KEYS_GRACE_SECONDS, PHYLAX_RATE_SHARE, PHYLAX_PARENT_ENDS_AT_AGE, PHYLAX_BREAK_GLASS_SECONDS, PHYLAX_BREAK_GLASS_PER_DAY, PHYLAX_BRAKE_SHARE, PHYLAX_IDLE_(PATIENT, WORKFORCE, KIOSK)_SECONDS, PHYLAX_RECOVERY_(WAIT, STAFF_WAIT)_SECONDS and NO_COLOR. */
export function readEnvironment(
  variables: Readonly<Record<string, string | undefined>>,
  workingDirectory: string,
  isTerminal: boolean,
): Environment {
  return {
    homePath: text(variables["PHYLAX_HOME"]) ?? join(workingDirectory, ".phylax"),
    port: port(variables["PHYLAX_PORT"]),
    databaseUrl: text(variables["DATABASE_URL"]),
    rootPassphrase: text(variables["PHYLAX_ROOT_PASSPHRASE"]),
    rootPassphraseFile: text(variables["PHYLAX_ROOT_PASSPHRASE_FILE"]),
    kmsFile: text(variables["PHYLAX_KMS_FILE"]),
    fipsRequired: fipsWish(variables["PHYLAX_FIPS"]),
    fipsModule: text(variables["PHYLAX_FIPS_MODULE"]),
    fipsCertificate: text(variables["PHYLAX_FIPS_CERTIFICATE"]),
    keysGraceMs: keysGrace(variables["PHYLAX_KEYS_GRACE_SECONDS"]),
    rateShare: share(variables["PHYLAX_RATE_SHARE"]),
    parentEndsAtAge: parentEndsAtAge(variables["PHYLAX_PARENT_ENDS_AT_AGE"]),
    emergency: {
      lastsMs: secondsWithin(variables["PHYLAX_BREAK_GLASS_SECONDS"], breakGlassLimits.lastsMs),
      most: countWithin(variables["PHYLAX_BREAK_GLASS_PER_DAY"], breakGlassLimits.most),
    },
    brakeShare: shareWithin(variables["PHYLAX_BRAKE_SHARE"], brakeLimits.share),
    logOff: {
      patientIdleMs: secondsWithin(
        variables["PHYLAX_IDLE_PATIENT_SECONDS"],
        logOffLimits.patientIdleMs,
      ),
      workforceIdleMs: secondsWithin(
        variables["PHYLAX_IDLE_WORKFORCE_SECONDS"],
        logOffLimits.workforceIdleMs,
      ),
      kioskIdleMs: secondsWithin(variables["PHYLAX_IDLE_KIOSK_SECONDS"], logOffLimits.kioskIdleMs),
    },
    recoveryWaits: {
      codeMs: secondsWithin(variables["PHYLAX_RECOVERY_WAIT_SECONDS"], recoveryWaitLimits.codeMs),
      staffMs: secondsWithin(
        variables["PHYLAX_RECOVERY_STAFF_WAIT_SECONDS"],
        recoveryWaitLimits.staffMs,
      ),
    },
    colour: isTerminal && text(variables["NO_COLOR"]) === null,
  };
}
