import { createSecretKey, type KeyObject } from "node:crypto";
import { toIso, type Clock } from "#core/clock.ts";
import { encodeFields } from "#core/fields.ts";
import { isCommitted, keyCommitment, type KeyName } from "#core/key-commitment.ts";
import type { UnwrappedKey } from "#core/key-service.ts";
import type { KekEpoch, WrappedKey } from "#core/key-wire.ts";
import { refuse } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import { invariant, ok, type Result } from "#core/result.ts";
import { gcm, openUnder, sealUnder } from "#keys/gcm.ts";
import type { Kms } from "#keys/kms/kms.ts";
import { readPrivateFile, writePrivateFile } from "#keys/private-file.ts";
import {
  epochContext,
  isSealed,
  kekBytes,
  parseRingFile,
  printRingFile,
  ringFileLimits,
  sealOf,
  type RingContents,
} from "#keys/ring-file.ts";

/** The key-encryption keys by epoch, in memory; they wrap and unwrap data keys, without waiting. */
export interface KeyRing {
  readonly kms: string;
  /** The epoch under which new keys are wrapped. */
  readonly currentEpoch: number;
  /** Every epoch that can still unwrap, rising. */
  readonly epochs: readonly KekEpoch[];
  /** Wraps a 32-byte data key under the current epoch, bound to its name. */
  wrap(name: KeyName, key: Buffer): WrappedKey;
  /** "wrong-epoch": this ring has not that KEK (any more). "damaged": altered, or another's key. */
  unwrap(wrapped: WrappedKey): UnwrappedKey;
}

interface RingDeps {
  readonly path: string;
  readonly kms: Kms;
  readonly random: Random;
}

/** NIST SP 800-38D §8.3: no more than 2^32 messages under one key with random nonces. */
const wrapsPerEpochMax = 2 ** 32;
const dataKeyBytes = 32;

/** Makes a ring with its first epoch and writes it. The caller must have seen that none exists. */
export async function createRing(deps: RingDeps & { clock: Clock }): Promise<Result<KeyRing>> {
  const { kms, random } = deps;
  const contents: RingContents = { ring: random.uuid(), kms: kms.name, epochs: [] };
  return startEpoch(deps, { contents, keks: new Map() });
}

/**
 * Reads the ring and unwraps its epochs. Fails with "key-ring-refused" when the file is missing,
 * open to others, malformed, altered or of another root key, and with the KMS's own problem when
 * that does not answer.
 */
export async function openRing(deps: RingDeps): Promise<Result<KeyRing>> {
  const opened = await readRing(deps);
  return opened.ok ? ok(ringOf(deps, opened.value)) : opened;
}

/** Opens the ring and adds an epoch, which from then on wraps all new keys. Fails as openRing does. */
export async function addEpoch(deps: RingDeps & { clock: Clock }): Promise<Result<KeyRing>> {
  const opened = await readRing(deps);
  return opened.ok ? startEpoch(deps, opened.value) : opened;
}

interface OpenedRing {
  readonly contents: RingContents;
  readonly keks: ReadonlyMap<number, KeyObject>;
}

async function readRing({ path, kms }: RingDeps): Promise<Result<OpenedRing>> {
  const file = await readPrivateFile(path, ringFileLimits.bytes);
  if (file.found === "nothing") return refused("there is no key ring file");
  if (file.found === "unusable") return refused(`the key ring file: ${file.why}`);
  const parsed = parseRingFile(file.text);
  if (parsed === null) return refused("the key ring file has not the form of one");
  const { contents } = parsed;
  if (contents.kms !== kms.name)
    return refused(`the key ring belongs to the KMS "${contents.kms}"`);
  const keks = await unwrapEpochs(contents, kms);
  if (!keks.ok) return keks;
  const newest = keks.value.get(newestOf(keks.value));
  if (newest === undefined || !isSealed(parsed, newest))
    return refused("the key ring file was altered");
  return ok({ contents, keks: keks.value });
}

async function startEpoch(
  deps: RingDeps & { clock: Clock },
  { contents, keks }: OpenedRing,
): Promise<Result<KeyRing>> {
  const { path, kms, random, clock } = deps;
  const epoch = (contents.epochs.at(-1)?.epoch ?? 0) + 1;
  const bytes = random.bytes(kekBytes);
  const wrapped = await kms.wrap(bytes, epochContext(contents.ring, epoch));
  if (!wrapped.ok) return wrapped;
  const kek = takeKey(bytes);
  const added = { epoch, createdAt: clock.now(), wrapped: wrapped.value };
  const next = { ...contents, epochs: [...contents.epochs, added] };
  await writePrivateFile(path, printRingFile({ contents: next, seal: sealOf(next, kek) }));
  return ok(ringOf(deps, { contents: next, keks: new Map([...keks, [epoch, kek]]) }));
}

const newestOf = (keks: ReadonlyMap<number, KeyObject>): number => Math.max(...keks.keys());

const refused = (detail: string): ReturnType<typeof refuse> =>
  refuse("key-ring-refused", { detail });

function takeKey(bytes: Buffer): KeyObject {
  const key = createSecretKey(bytes);
  bytes.fill(0);
  return key;
}

async function unwrapEpochs(
  { ring, epochs }: RingContents,
  kms: Kms,
): Promise<Result<ReadonlyMap<number, KeyObject>>> {
  const keks = new Map<number, KeyObject>();
  for (const { epoch, wrapped } of epochs) {
    const kek = await kms.unwrap(wrapped, epochContext(ring, epoch));
    if (!kek.ok && kek.problem.code === "root-key-refused")
      return refused(`epoch ${epoch} does not open under this root key`);
    if (!kek.ok) return kek;
    if (kek.value.length !== kekBytes) return refused(`epoch ${epoch} is not a key of ours`);
    keks.set(epoch, takeKey(kek.value));
  }
  return ok(keks);
}

function wrapAad({ tenant, compartment, dekVersion }: KeyName, epoch: number): Buffer {
  return encodeFields([
    "phylax data key v1",
    tenant,
    compartment,
    String(dekVersion),
    String(epoch),
  ]);
}

function ringOf({ kms, random }: RingDeps, { contents, keks }: OpenedRing): KeyRing {
  const currentEpoch = newestOf(keks);
  const current = keks.get(currentEpoch);
  invariant(current !== undefined, "a key ring has at least one epoch");
  let wraps = 0;
  return {
    kms: kms.name,
    currentEpoch,
    epochs: contents.epochs.map(({ epoch, createdAt }) => ({ epoch, createdAt: toIso(createdAt) })),
    wrap: (name, key) => {
      invariant(key.length === dataKeyBytes, "a data key has 32 bytes");
      wraps += 1;
      invariant(wraps < wrapsPerEpochMax, "this KEK epoch is worn out");
      const aad = wrapAad(name, currentEpoch);
      const sealed = sealUnder(current, { nonce: random.bytes(gcm.nonceBytes), aad, plain: key });
      return {
        tenant: name.tenant,
        compartment: name.compartment,
        dekVersion: name.dekVersion,
        kekEpoch: currentEpoch,
        wrapped: sealed.toString("base64url"),
        commitment: keyCommitment(key, name).toString("base64url"),
      };
    },
    unwrap: (wrapped) => {
      const kek = keks.get(wrapped.kekEpoch);
      if (kek === undefined) return { ok: false, code: "wrong-epoch" };
      const sealed = Buffer.from(wrapped.wrapped, "base64url");
      const key = openUnder(kek, wrapAad(wrapped, wrapped.kekEpoch), sealed);
      if (key === null || key.length !== dataKeyBytes) return { ok: false, code: "damaged" };
      if (isCommitted(key, wrapped, wrapped.commitment)) return { ok: true, key };
      key.fill(0);
      return { ok: false, code: "damaged" };
    },
  };
}
