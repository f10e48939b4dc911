import type { Result } from "#core/result.ts";
import { ok } from "#core/result.ts";
import { refusedRoot, unavailable } from "#keys/kms/failures.ts";
import { cka, ckf, ckk, cko, ckm, ckr, ckrText, cku } from "#keys/kms/pkcs11/constants.ts";
import { memory, ulong, ulongBytes, type NativeModule } from "#keys/kms/pkcs11/native.ts";
import { no, number, templateOf, yes, type Attribute } from "#keys/kms/pkcs11/template.ts";

/** Which key of which token; labels as the module shows them. */
export interface KeyPlace {
  readonly token: string;
  readonly key: string;
  readonly pin: string;
}

export interface OpenKey {
  readonly session: bigint;
  readonly key: bigint;
}

const slotsMax = 256;
const keyBytes = 32n;
const mechanismBytes = 24;
/** CK_C_INITIALIZE_ARGS: four callbacks, flags, reserved. */
const initializeArgs = { bytes: 48, flagsAt: 32 } as const;
/** CK_TOKEN_INFO begins with the label, padded with blanks. */
const tokenInfo = { bytes: 512, labelBytes: 32 } as const;

/**
 * Finds the token, opens a session and logs in. Fails with "root-key-refused" when there is no such
 * token or the PIN is wrong, and with "key-unavailable" when the module does not work.
 */
export function openSession(native: NativeModule, place: KeyPlace): Result<bigint> {
  const started = initialize(native);
  if (!started.ok) return started;
  const slot = findSlot(native, place.token);
  if (!slot.ok) return slot;
  const session = ulong();
  const flags = ckf.serialSession | ckf.rwSession;
  const opened = native.cryptoki.openSession(slot.value, flags, null, null, session);
  if (opened !== ckr.ok) return unavailable(`the HSM opens no session (${ckrText(opened)})`);
  const handle = session.readBigUInt64LE();
  const entered = login(native, handle, place.pin);
  if (!entered.ok) native.cryptoki.closeSession(handle);
  return entered.ok ? ok(handle) : entered;
}

function initialize({ cryptoki }: NativeModule): Result<null> {
  const args = memory(initializeArgs.bytes);
  args.writeBigUInt64LE(ckf.osLockingOk, initializeArgs.flagsAt);
  const code = cryptoki.initialize(args);
  // One process initialises a module once, however many adapters it has.
  return code === ckr.ok || code === ckr.alreadyInitialized
    ? ok(null)
    : unavailable(`the PKCS#11 module does not start (${ckrText(code)})`);
}

function findSlot({ cryptoki }: NativeModule, label: string): Result<bigint> {
  const count = ulong(BigInt(slotsMax));
  const slots = memory(slotsMax * ulongBytes);
  const listed = cryptoki.getSlotList(1, slots, count);
  if (listed !== ckr.ok) return unavailable(`the HSM lists no slots (${ckrText(listed)})`);
  const found = Array.from({ length: Number(count.readBigUInt64LE()) }, (_, i) =>
    slots.readBigUInt64LE(i * ulongBytes),
  ).filter((slot) => labelOf(cryptoki, slot) === label);
  const [only] = found;
  if (only === undefined) return refusedRoot(`the HSM shows no token "${label}"`);
  return found.length === 1 ? ok(only) : refusedRoot(`two tokens are called "${label}"`);
}

function labelOf(cryptoki: NativeModule["cryptoki"], slot: bigint): string | null {
  const info = memory(tokenInfo.bytes);
  if (cryptoki.getTokenInfo(slot, info) !== ckr.ok) return null;
  return info.toString("utf8", 0, tokenInfo.labelBytes).trimEnd();
}

function login({ cryptoki }: NativeModule, session: bigint, pin: string): Result<null> {
  const text = Buffer.from(pin);
  const bytes = memory(Math.max(1, text.length));
  text.copy(bytes);
  const code = cryptoki.login(session, cku.user, bytes, BigInt(text.length));
  bytes.fill(0);
  if (code === ckr.ok || code === ckr.userAlreadyLoggedIn) return ok(null);
  if (code === ckr.pinIncorrect) return refusedRoot("the HSM does not accept the PIN");
  if (code === ckr.pinLocked) return refusedRoot("the HSM has locked the PIN after wrong tries");
  return unavailable(`the HSM lets us not log in (${ckrText(code)})`);
}

/** The one AES-256 key of this label; refused unless it can never leave the module. */
export function findKey(native: NativeModule, session: bigint, label: string): Result<bigint> {
  const found = keysOf(native, session, label);
  if (!found.ok) return found;
  const [key, another] = found.value;
  if (key === undefined) return refusedRoot(`the HSM has no secret key "${label}"`);
  if (another !== undefined) return refusedRoot(`the HSM has two secret keys "${label}"`);
  return isGuarded(native, session, key);
}

function keysOf(native: NativeModule, session: bigint, label: string): Result<readonly bigint[]> {
  const { cryptoki } = native;
  const sought = templateOf(native, [
    [cka.class, number(cko.secretKey)],
    [cka.label, Buffer.from(label)],
  ]);
  const begun = cryptoki.findObjectsInit(session, sought.bytes, sought.count);
  if (begun !== ckr.ok) return unavailable(`the HSM finds no keys (${ckrText(begun)})`);
  const handles = memory(2 * ulongBytes);
  const count = ulong();
  const found = cryptoki.findObjects(session, handles, 2n, count);
  cryptoki.findObjectsFinal(session);
  if (found !== ckr.ok) return unavailable(`the HSM finds no keys (${ckrText(found)})`);
  return ok(
    Array.from({ length: Number(count.readBigUInt64LE()) }, (_, i) =>
      handles.readBigUInt64LE(i * ulongBytes),
    ),
  );
}

function isGuarded(native: NativeModule, session: bigint, key: bigint): Result<bigint> {
  const asked: readonly Attribute[] = [
    [cka.keyType, number()],
    [cka.valueLen, number()],
    [cka.sensitive, no],
    [cka.extractable, yes],
  ];
  const template = templateOf(native, asked);
  const code = native.cryptoki.getAttributeValue(session, key, template.bytes, template.count);
  if (code !== ckr.ok) return refusedRoot(`the HSM tells not what the key is (${ckrText(code)})`);
  const [type, length, sensitive, extractable] = template.values;
  if (type?.readBigUInt64LE() !== ckk.aes || length?.readBigUInt64LE() !== keyBytes)
    return refusedRoot("the root key in the HSM must be an AES key of 256 bits");
  return sensitive?.[0] === 1 && extractable?.[0] === 0
    ? ok(key)
    : refusedRoot("the root key in the HSM must be sensitive and not extractable");
}

/** Makes a key that never leaves the token. "root-key-refused" when one of this label is there. */
export function makeKey(native: NativeModule, session: bigint, label: string): Result<bigint> {
  const there = keysOf(native, session, label);
  if (!there.ok) return there;
  if (there.value.length > 0) return refusedRoot(`the HSM has a secret key "${label}" already`);
  const how = memory(mechanismBytes);
  how.writeBigUInt64LE(ckm.aesKeyGen);
  const made = ulong();
  const template = templateOf(native, [
    [cka.class, number(cko.secretKey)],
    [cka.keyType, number(ckk.aes)],
    [cka.valueLen, number(keyBytes)],
    [cka.label, Buffer.from(label)],
    [cka.token, yes],
    [cka.private, yes],
    [cka.sensitive, yes],
    [cka.extractable, no],
    [cka.encrypt, yes],
    [cka.decrypt, yes],
  ]);
  const { cryptoki } = native;
  const code = cryptoki.generateKey(session, how, template.bytes, template.count, made);
  if (code !== ckr.ok) return refusedRoot(`the HSM makes no key (${ckrText(code)})`);
  return isGuarded(native, session, made.readBigUInt64LE());
}
