import { createSecretKey, timingSafeEqual, type KeyObject } from "node:crypto";
import type { Clock, Instant } from "#core/clock.ts";
import { refuse } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import { invariant, ok, type Result } from "#core/result.ts";
import type { Kms } from "#keys/kms/kms.ts";
import { readPrivateFile, replacePrivateFile } from "#keys/private-file.ts";
import {
  epochContext,
  isSealed,
  kekBytes,
  parseRingFile,
  printRingFile,
  ringFileLimits,
  sealOf,
  type RingContents,
  type WrappedEpoch,
} from "#keys/ring-file.ts";
import { keyRing, type KeyRing, type OpenEpoch } from "#keys/ring.ts";

/** KEKs in the clear; whoever is given them neither keeps nor wipes them. */
export interface BareRing {
  readonly ring: string;
  /** Rising, at least one; `kek` has 32 bytes. */
  readonly epochs: readonly {
    readonly epoch: number;
    readonly createdAt: Instant;
    readonly kek: Buffer;
  }[];
}

/** Written around the ring file when its root key changes, so that a crash between is told apart. */
export interface MoveRecord {
  /** Before the ring file is replaced by this text. */
  begin(ringText: string): Promise<void>;
  /** After it lies on disk. */
  end(): Promise<void>;
}

/**
 * The ring and its file. One change at a time: a second one meanwhile fails with
 * "key-work-running". Each change is on disk before it is used; when it cannot be written it fails
 * with "storage-unavailable", when the file is not the one that was last written with
 * "key-ring-refused", and when the KMS fails with its problem. Then the ring goes on as it was.
 */
export interface RingKeeper {
  /** The ring as it now is; a request takes it once, so that a change does not split its answer. */
  current(): KeyRing;
  /** Adds an epoch, which from then on wraps all keys. */
  startEpoch(): Promise<Result<KeyRing>>;
  /** Destroys the epochs below `before`; "parameter-invalid" when the newest were among them. */
  retireEpochs(before: number): Promise<Result<KeyRing>>;
  /**
   * Wraps every epoch under another root key, looks whether that opens them, goes on with it and
   * closes the KMS before it. When it fails, `kms` is for the caller to close.
   */
  moveTo(kms: Kms, record: MoveRecord): Promise<Result<KeyRing>>;
  /** The ring file's text, sealed as it lies on disk. */
  file(): string;
  /** Lends the bare KEKs for as long as `use` runs; they are wiped after it. */
  lend<T>(use: (ring: BareRing) => Promise<T>): Promise<T>;
  /** Closes the KMS; the ring in memory goes on. */
  close(): Promise<void>;
}

export interface RingDeps {
  readonly path: string;
  readonly kms: Kms;
  readonly random: Random;
  readonly clock: Clock;
}

/** What is on disk and what is open in memory, always of one moment. */
interface Held {
  readonly kms: Kms;
  readonly contents: RingContents;
  readonly epochs: readonly OpenEpoch[];
  readonly text: string;
}

/** Makes a ring with its first epoch and writes it. The caller must have seen that none exists. */
export async function createRing(deps: RingDeps): Promise<Result<RingKeeper>> {
  const { kms, random, path } = deps;
  const contents: RingContents = { ring: random.uuid(), kms: kms.name, epochs: [] };
  const first = await withNewEpoch({ kms, contents, epochs: [], text: "" }, deps);
  if (!first.ok) return first;
  const written = await write(path, first.value.text);
  return written.ok ? ok(keeperOf(deps, first.value)) : written;
}

/**
 * Reads the ring and unwraps its epochs. Fails with "key-ring-refused" when the file is missing,
 * open to others, malformed, altered or of another root key, and with the KMS's own problem when
 * that does not answer.
 */
export async function openRing(deps: RingDeps): Promise<Result<RingKeeper>> {
  const { path, kms } = deps;
  const file = await readPrivateFile(path, ringFileLimits.bytes);
  if (file.found === "nothing") return refused("there is no key ring file");
  if (file.found === "unusable") return refused(`the key ring file: ${file.why}`);
  const parsed = parseRingFile(file.text);
  if (parsed === null) return refused("the key ring file has not the form of one");
  const { contents } = parsed;
  if (contents.kms !== kms.name)
    return refused(`the key ring belongs to the KMS "${contents.kms}"`);
  const epochs = await openEpochs(contents, kms);
  if (!epochs.ok) return epochs;
  const newest = epochs.value.at(-1);
  if (newest === undefined || !isSealed(parsed, newest.kek))
    return refused("the key ring file was altered");
  return ok(keeperOf(deps, { kms, contents, epochs: epochs.value, text: file.text }));
}

/** Writes a ring of known KEKs under this root key, for a ring that comes back from escrow. */
export async function layRing(deps: RingDeps, bare: BareRing): Promise<Result<RingKeeper>> {
  const { kms, path } = deps;
  const epochs = bare.epochs.map((epoch) => ({ ...epoch, kek: createSecretKey(epoch.kek) }));
  const held = await wrappedUnder(kms, bare.ring, epochs);
  if (!held.ok) return held;
  const written = await write(path, held.value.text);
  return written.ok ? ok(keeperOf(deps, held.value)) : written;
}

function keeperOf(deps: RingDeps, first: Held): RingKeeper {
  const { path, random } = deps;
  let held = first;
  let ring = ringOf(held, random);
  let busy = false;

  async function change(
    make: () => Promise<Result<Held>>,
    store: (text: string) => Promise<Result<null>> = (text) => write(path, text),
  ): Promise<Result<KeyRing>> {
    if (busy) return refuse("key-work-running");
    busy = true;
    try {
      const onDisk = await readPrivateFile(path, ringFileLimits.bytes);
      if (onDisk.found !== "text" || onDisk.text !== held.text)
        return refused("the key ring file was changed meanwhile; start the keys process anew");
      const next = await make();
      if (!next.ok) return next;
      if (next.value === held) return ok(ring);
      const stored = await store(next.value.text);
      if (!stored.ok) return stored;
      held = next.value;
      ring = ringOf(held, random);
      return ok(ring);
    } finally {
      busy = false;
    }
  }

  return {
    current: () => ring,
    startEpoch: () => change(() => withNewEpoch(held, deps)),
    retireEpochs: (before) => change(async () => withoutEpochs(held, before)),
    moveTo: async (kms, record) => {
      const before = held.kms;
      const moved = await change(
        () => wrappedUnder(kms, held.contents.ring, held.epochs),
        (text) => storeMove(path, text, record),
      );
      if (moved.ok) await before.close();
      return moved;
    },
    file: () => held.text,
    lend: (use) => lend(held, use),
    close: () => held.kms.close(),
  };
}

function ringOf({ kms, epochs }: Held, random: Random): KeyRing {
  return keyRing(kms.name, epochs, random);
}

async function withNewEpoch(held: Held, { random, clock }: RingDeps): Promise<Result<Held>> {
  const { kms, contents } = held;
  if (contents.epochs.length >= ringFileLimits.epochs)
    return refused("the key ring is full; retire epochs that wrap no key any more");
  const epoch = (contents.epochs.at(-1)?.epoch ?? 0) + 1;
  const bytes = random.bytes(kekBytes);
  const wrapped = await kms.wrap(bytes, epochContext(contents.ring, epoch));
  if (!wrapped.ok) {
    bytes.fill(0);
    return wrapped;
  }
  const opened = { epoch, createdAt: clock.now(), kek: takeKey(bytes) };
  return ok(
    print(
      kms,
      contents.ring,
      [...held.epochs, opened],
      [...contents.epochs, { epoch, createdAt: opened.createdAt, wrapped: wrapped.value }],
    ),
  );
}

function withoutEpochs(held: Held, before: number): Result<Held> {
  const { kms, contents } = held;
  const newest = contents.epochs.at(-1)?.epoch ?? 0;
  if (before > newest)
    return refuse("parameter-invalid", { detail: `epoch ${newest} wraps new keys` });
  const stays = ({ epoch }: { readonly epoch: number }): boolean => epoch >= before;
  if (contents.epochs.every(stays)) return ok(held);
  return ok(print(kms, contents.ring, held.epochs.filter(stays), contents.epochs.filter(stays)));
}

/** Each epoch under this KMS, opened again by it before anything relies on it. */
async function wrappedUnder(
  kms: Kms,
  ring: string,
  epochs: readonly OpenEpoch[],
): Promise<Result<Held>> {
  const wrapped: WrappedEpoch[] = [];
  for (const { epoch, createdAt, kek } of epochs) {
    const one = await wrapProven(kms, kek, epochContext(ring, epoch));
    if (!one.ok) return one;
    wrapped.push({ epoch, createdAt, wrapped: one.value });
  }
  return ok(print(kms, ring, epochs, wrapped));
}

async function wrapProven(kms: Kms, kek: KeyObject, context: string): Promise<Result<Buffer>> {
  const bytes = kek.export();
  try {
    const wrapped = await kms.wrap(bytes, context);
    if (!wrapped.ok) return wrapped;
    const again = await kms.unwrap(wrapped.value, context);
    if (!again.ok) return again;
    const same = again.value.length === kekBytes && timingSafeEqual(again.value, bytes);
    again.value.fill(0);
    return same ? wrapped : refuse("root-key-refused", { detail: "it opened to another key" });
  } finally {
    bytes.fill(0);
  }
}

function print(
  kms: Kms,
  ring: string,
  epochs: readonly OpenEpoch[],
  wrapped: readonly WrappedEpoch[],
): Held {
  const newest = epochs.at(-1);
  invariant(newest !== undefined, "a key ring has at least one epoch");
  const contents: RingContents = { ring, kms: kms.name, epochs: wrapped };
  const text = printRingFile({ contents, seal: sealOf(contents, newest.kek) });
  return { kms, contents, epochs, text };
}

async function openEpochs(
  { ring, epochs }: RingContents,
  kms: Kms,
): Promise<Result<readonly OpenEpoch[]>> {
  const opened: OpenEpoch[] = [];
  for (const { epoch, createdAt, wrapped } of epochs) {
    const kek = await kms.unwrap(wrapped, epochContext(ring, epoch));
    if (!kek.ok && kek.problem.code === "root-key-refused")
      return refused(`epoch ${epoch} does not open under this root key`);
    if (!kek.ok) return kek;
    if (kek.value.length !== kekBytes) return refused(`epoch ${epoch} is not a key of ours`);
    opened.push({ epoch, createdAt, kek: takeKey(kek.value) });
  }
  return ok(opened);
}

async function lend<T>(
  { contents, epochs }: Held,
  use: (ring: BareRing) => Promise<T>,
): Promise<T> {
  const bare = epochs.map(({ epoch, createdAt, kek }) => ({
    epoch,
    createdAt,
    kek: kek.export(),
  }));
  try {
    return await use({ ring: contents.ring, epochs: bare });
  } finally {
    for (const { kek } of bare) kek.fill(0);
  }
}

async function write(path: string, text: string): Promise<Result<null>> {
  try {
    await replacePrivateFile(path, text);
    return ok(null);
  } catch {
    return refuse("storage-unavailable", { detail: "the key ring file cannot be written" });
  }
}

async function storeMove(path: string, text: string, record: MoveRecord): Promise<Result<null>> {
  try {
    await record.begin(text);
    await replacePrivateFile(path, text);
    await record.end();
    return ok(null);
  } catch {
    return refuse("storage-unavailable", { detail: "the move to another KMS cannot be written" });
  }
}

const refused = (detail: string): ReturnType<typeof refuse> =>
  refuse("key-ring-refused", { detail });

function takeKey(bytes: Buffer): KeyObject {
  const key = createSecretKey(bytes);
  bytes.fill(0);
  return key;
}
