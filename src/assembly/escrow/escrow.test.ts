import assert from "node:assert/strict";
import { chmod, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { systemClock } from "#core/clock.ts";
import type { KeyOperator } from "#core/key-service.ts";
import { refuse } from "#core/problem.ts";
import { systemRandom } from "#core/random.ts";
import { ok, type Result } from "#core/result.ts";
import { makeEscrow, type EscrowDesk } from "#assembly/escrow/make.ts";
import { proveEscrow } from "#assembly/escrow/prove.ts";
import { readPieces, restoreFromEscrow } from "#assembly/escrow/restore.ts";
import { sealForEscrow } from "#keys/escrow.ts";
import { openKeyHome, type KeyHome } from "#keys/keys.ts";
import type { RingKeeper } from "#keys/ring-keeper.ts";
import { testFolder, testKeyHome } from "#keys/testing.ts";

const name = { tenant: "t", compartment: "c", dekVersion: 1 };

interface TestDesk extends EscrowDesk {
  readonly keeper: RingKeeper;
  readonly logged: (readonly string[])[];
  readonly home: KeyHome;
}

/** The keys process without its network: a real ring, and its operator's calls. */
async function deskOf(t: TestContext): Promise<TestDesk> {
  const home = await testKeyHome(t);
  const opened = await openKeyHome(home);
  const keeper = opened.ok ? opened.value.keeper : assert.fail(opened.problem.code);
  const keys: Pick<KeyOperator, "escrow" | "ring"> = {
    escrow: (recipient) => keeper.lend((ring) => sealForEscrow(ring, recipient)),
    ring: async () => ok(keeper.file()),
  };
  const logged: (readonly string[])[] = [];
  const log: EscrowDesk["log"] = async (reasons) => {
    logged.push(reasons);
    return ok(null);
  };
  return { keeper, keys, log, logged, random: systemRandom, clock: systemClock, home };
}

const codeOf = (result: { ok: boolean; problem?: { code: string } }): string | null =>
  result.ok ? null : (result.problem?.code ?? null);

const order = (folder: string): Parameters<typeof makeEscrow>[0] => ({
  shares: 5,
  threshold: 3,
  recipients: [],
  folder: join(folder, "escrow"),
});

const shareAt = (folder: string, ...numbers: readonly number[]): readonly string[] =>
  numbers.map((number) => join(folder, "escrow", `share-${number}-of-5.txt`));

async function made(t: TestContext): Promise<{ desk: TestDesk; folder: string; file: string }> {
  const desk = await deskOf(t);
  const folder = await testFolder(t);
  const escrow = await makeEscrow(order(folder), desk);
  assert.ok(escrow.ok, JSON.stringify(escrow));
  return { desk, folder, file: join(folder, "escrow", "escrow.age") };
}

suite("making an escrow", () => {
  test("leaves a sealed file, five shares and instructions, for the owner alone", async (t) => {
    const { folder } = await made(t);
    const found = await readdir(join(folder, "escrow"));
    assert.deepEqual(found.toSorted(), [
      "INSTRUCTIONS.txt",
      "escrow.age",
      ...[1, 2, 3, 4, 5].map((number) => `share-${number}-of-5.txt`),
    ]);
    for (const file of found)
      assert.equal((await stat(join(folder, "escrow", file))).mode & 0o777, 0o600);
    assert.equal((await stat(join(folder, "escrow"))).mode & 0o777, 0o700);
    const text = await readFile(join(folder, "escrow", "INSTRUCTIONS.txt"), "utf8");
    assert.match(text, /THE SHARES ARE NOT ENCRYPTED/);
  });

  test("is logged before the keys process is asked; without the log nothing is made", async (t) => {
    const desk = await deskOf(t);
    const folder = await testFolder(t);
    let asked = 0;
    const made = await makeEscrow(order(folder), {
      ...desk,
      log: async () => refuse("audit-unavailable"),
      keys: {
        ...desk.keys,
        escrow: async () => refuse("unexpected", { detail: `${(asked += 1)}` }),
      },
    });
    assert.equal(codeOf(made), "audit-unavailable");
    assert.equal(asked, 0);
    assert.deepEqual(await readdir(folder), []);
  });

  test("names escrow, shares and threshold in the log, and no key", async (t) => {
    const { desk } = await made(t);
    const [reasons = []] = desk.logged;
    assert.match(reasons[0] ?? "", /^escrow-[0-9a-f-]{36}$/);
    assert.deepEqual(reasons.slice(1), ["shares-5", "threshold-3"]);
  });

  test("is refused where something lies already, and when recipients do not fit", async (t) => {
    const { desk, folder } = await made(t);
    assert.equal(codeOf(await makeEscrow(order(folder), desk)), "parameter-invalid");
    const recipient = await identityToRecipient(await generateX25519Identity());
    const elsewhere = { ...order(await testFolder(t)) };
    for (const recipients of [[recipient], Array.from({ length: 5 }, () => recipient), ["x"]])
      assert.equal(
        codeOf(await makeEscrow({ ...elsewhere, recipients }, desk)),
        "parameter-invalid",
      );
  });
});

suite("rehearsing an escrow", () => {
  test("three shares prove that it holds the running keys", async (t) => {
    const { desk, folder, file } = await made(t);
    const read = await readPieces({ file, shares: shareAt(folder, 2, 5, 1), identities: [] });
    assert.ok(read.ok);
    const proven = await proveEscrow(read.value.file, read.value.shares, desk.keys);
    assert.ok(proven.ok);
    assert.deepEqual(proven.value.match, { current: true, missing: [], destroyed: [] });
  });

  test("too few shares, a mistyped one and a tampered file are each refused", async (t) => {
    const { folder, file, desk } = await made(t);
    const few = await readPieces({ file, shares: shareAt(folder, 1, 2), identities: [] });
    assert.ok(few.ok);
    const tried = await proveEscrow(few.value.file, few.value.shares, desk.keys);
    assert.equal(codeOf(tried), "escrow-refused");

    const [first = ""] = shareAt(folder, 1);
    const text = await readFile(first, "utf8");
    await writeFile(
      first,
      text.replace(/(?<=data: )./, (digit) => (digit === "0" ? "1" : "0")),
    );
    const typed = await readPieces({ file, shares: shareAt(folder, 1, 2, 3), identities: [] });
    assert.equal(codeOf(typed), "escrow-refused");
    assert.match(
      typed.ok ? "" : (typed.problem.detail ?? ""),
      /share-1-of-5\.txt: share 1 was mis/,
    );

    const sealed = await readFile(file);
    sealed[sealed.length - 1] = (sealed.at(-1) ?? 0) ^ 1;
    const whole = await readPieces({ file, shares: shareAt(folder, 2, 3, 4), identities: [] });
    assert.ok(whole.ok);
    const tampered = await proveEscrow(sealed, whole.value.shares, desk.keys);
    assert.equal(codeOf(tampered), "escrow-refused");
  });

  test("the shares of another escrow do not open this one", async (t) => {
    const mine = await made(t);
    const other = await made(t);
    const shares = shareAt(other.folder, 1, 2, 3);
    const read = await readPieces({ file: mine.file, shares, identities: [] });
    assert.ok(read.ok);
    const tried = await proveEscrow(read.value.file, read.value.shares, mine.desk.keys);
    assert.equal(codeOf(tried), "escrow-refused");
  });

  test("shares encrypted to their custodians open with the custodians' key files", async (t) => {
    const desk = await deskOf(t);
    const folder = await testFolder(t);
    const identities = await Promise.all(Array.from({ length: 3 }, () => generateX25519Identity()));
    const recipients = await Promise.all(identities.map((one) => identityToRecipient(one)));
    const escrow = await makeEscrow(
      { ...order(folder), shares: 3, threshold: 2, recipients },
      desk,
    );
    assert.ok(escrow.ok);
    const keyFiles = identities.map((_, i) => join(folder, `${i}.key`));
    for (const [i, path] of keyFiles.entries())
      await writeFile(path, `# a custodian's\n${identities[i]}\n`);
    const shares = [1, 3].map((number) => join(folder, "escrow", `share-${number}-of-3.age`));
    const file = join(folder, "escrow", "escrow.age");
    const closed = await readPieces({ file, shares, identities: keyFiles.slice(0, 1) });
    assert.equal(codeOf(closed), "escrow-refused");
    const read = await readPieces({ file, shares, identities: keyFiles });
    assert.ok(read.ok);
    assert.ok((await proveEscrow(read.value.file, read.value.shares, desk.keys)).ok);
  });
});

suite("restoring from escrow", () => {
  test("what the old keys wrapped unwraps in a home with another passphrase", async (t) => {
    const { desk, folder, file } = await made(t);
    const key = systemRandom.bytes(32);
    const wrapped = desk.keeper.current().wrap(name, key);
    await rm(desk.home.folder, { recursive: true });
    const home = { ...desk.home, passphrase: () => ok("another passphrase altogether") };
    const pieces = { file, shares: shareAt(folder, 1, 3, 5), identities: [] };
    const restored = await restoreFromEscrow(pieces, { ...desk, home });
    assert.ok(restored.ok, JSON.stringify(restored));
    assert.deepEqual(restored.value.epochs, [1]);
    assert.deepEqual(desk.logged.at(-1)?.slice(1), ["share-1", "share-3", "share-5"]);
    const opened = await openKeyHome(home);
    assert.ok(opened.ok);
    assert.deepEqual(opened.value.keeper.current().unwrap(wrapped), { ok: true, key });
    assert.equal(codeOf(await openKeyHome(desk.home)), "root-key-refused");
  });

  test("nothing is written over keys that are there, and nothing when the shares are too few", async (t) => {
    const { desk, folder, file } = await made(t);
    const before = await readFile(join(desk.home.folder, "key-ring.json"), "utf8");
    const pieces = { file, shares: shareAt(folder, 1, 3, 5), identities: [] };
    assert.equal(codeOf(await restoreFromEscrow(pieces, desk)), "key-ring-refused");
    assert.equal(await readFile(join(desk.home.folder, "key-ring.json"), "utf8"), before);

    await rm(desk.home.folder, { recursive: true });
    const few = { ...pieces, shares: shareAt(folder, 1, 3) };
    assert.equal(codeOf(await restoreFromEscrow(few, desk)), "escrow-refused");
    await assert.rejects(stat(desk.home.folder), { code: "ENOENT" });
  });

  test("nothing is written that the log does not hold", async (t) => {
    const { desk, folder, file } = await made(t);
    await rm(desk.home.folder, { recursive: true });
    const pieces = { file, shares: shareAt(folder, 1, 3, 5), identities: [] };
    const log = async (): Promise<Result<null>> => refuse("audit-unavailable");
    assert.equal(codeOf(await restoreFromEscrow(pieces, { ...desk, log })), "audit-unavailable");
    await assert.rejects(stat(desk.home.folder), { code: "ENOENT" });
  });

  test("a passphrase that is refused leaves no half made folder behind", async (t) => {
    const { desk, folder, file } = await made(t);
    await rm(desk.home.folder, { recursive: true });
    const pieces = { file, shares: shareAt(folder, 1, 3, 5), identities: [] };
    const restored = await restoreFromEscrow(pieces, {
      ...desk,
      home: { ...desk.home, passphrase: () => ok("short") },
    });
    assert.equal(codeOf(restored), "root-key-refused");
    await assert.rejects(stat(`${desk.home.folder}.new`), { code: "ENOENT" });
  });

  test("a file that cannot be read is named", async (t) => {
    const { folder, file } = await made(t);
    const missing = join(folder, "nothing");
    const read = await readPieces({ file, shares: [missing], identities: [] });
    assert.match(read.ok ? "" : (read.problem.detail ?? ""), /nothing cannot be read/);
    await chmod(file, 0o600);
    await writeFile(missing, Buffer.alloc(20 * 1024));
    const huge = await readPieces({ file, shares: [missing], identities: [] });
    assert.match(huge.ok ? "" : (huge.problem.detail ?? ""), /over 16384 bytes/);
  });
});
