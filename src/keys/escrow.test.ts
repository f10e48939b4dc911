import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { suite, test } from "node:test";
import { Encrypter, generateX25519Identity, identityToRecipient } from "age-encryption";
import * as fc from "fast-check";
import { parseInstant } from "#core/clock.ts";
import {
  identityFingerprint,
  makeEscrowIdentity,
  openEscrow,
  recipientFingerprint,
  sealForEscrow,
} from "#keys/escrow.ts";
import { parseEscrow, printEscrow, wipeEscrow, type EscrowedRing } from "#keys/escrow-contents.ts";

function ringOf(...epochs: readonly number[]): EscrowedRing {
  return {
    ring: "6f0e8e0e-0000-4000-8000-000000000001",
    epochs: epochs.map((epoch) => ({
      epoch,
      createdAt: parseInstant(1_790_000_000_000 + epoch) ?? assert.fail(),
      kek: randomBytes(32),
    })),
  };
}

const codeOf = (result: { ok: boolean; problem?: { code: string } }): string | null =>
  result.ok ? null : (result.problem?.code ?? null);

suite("escrow of a ring", () => {
  test("what is sealed to an identity opens with it, key for key", async () => {
    const { identity, recipient } = await makeEscrowIdentity();
    const ring = ringOf(1, 2, 7);
    const sealed = await sealForEscrow(ring, recipient);
    assert.ok(sealed.ok);
    const opened = await openEscrow(sealed.value, identity);
    assert.ok(opened.ok);
    assert.deepEqual(opened.value, ring);
  });

  test("the file is age's own, for a hybrid post-quantum recipient, and shows no key", async () => {
    const { recipient } = await makeEscrowIdentity();
    const ring = ringOf(1);
    const sealed = await sealForEscrow(ring, recipient);
    assert.ok(sealed.ok);
    const [version, stanza] = sealed.value.toString("latin1").split("\n");
    assert.equal(version, "age-encryption.org/v1");
    assert.match(stanza ?? "", /^-> mlkem768x25519 /);
    assert.equal(sealed.value.includes(ring.epochs[0]?.kek ?? assert.fail()), false);
  });

  test("another identity does not open it", async () => {
    const { recipient } = await makeEscrowIdentity();
    const other = await makeEscrowIdentity();
    const sealed = await sealForEscrow(ringOf(1), recipient);
    assert.ok(sealed.ok);
    assert.equal(codeOf(await openEscrow(sealed.value, other.identity)), "escrow-refused");
  });

  test("a changed byte anywhere is found", async () => {
    const { identity, recipient } = await makeEscrowIdentity();
    const sealed = await sealForEscrow(ringOf(1), recipient);
    assert.ok(sealed.ok);
    const { value } = sealed;
    for (let at = 3; at < value.length; at += Math.ceil(value.length / 12)) {
      const changed = Buffer.from(value);
      changed[at] = (changed[at] ?? 0) ^ 1;
      assert.equal(codeOf(await openEscrow(changed, identity)), "escrow-refused", `byte ${at}`);
    }
  });

  test("a classic recipient is refused: what is kept for years must outlast X25519", async () => {
    const classic = await identityToRecipient(await generateX25519Identity());
    for (const recipient of [classic, "", "age1pq1", "age1pq1".padEnd(1_960, "q")])
      assert.equal(codeOf(await sealForEscrow(ringOf(1), recipient)), "parameter-invalid");
  });

  test("a ring without epochs, or with a key of another size, is not sealed", async () => {
    const { recipient } = await makeEscrowIdentity();
    assert.equal(codeOf(await sealForEscrow(ringOf(), recipient)), "key-ring-refused");
    const short = { ...ringOf(1), epochs: [{ ...epochOf(ringOf(1)), kek: randomBytes(16) }] };
    assert.equal(codeOf(await sealForEscrow(short, recipient)), "key-ring-refused");
  });

  test("an age file that someone else made for the recipient holds no ring of ours", async () => {
    const { identity, recipient } = await makeEscrowIdentity();
    const encrypter = new Encrypter();
    encrypter.addRecipient(recipient);
    const foreign = Buffer.from(await encrypter.encrypt("hello"));
    assert.equal(codeOf(await openEscrow(foreign, identity)), "escrow-refused");
  });

  test("an identity has the fingerprint of its recipient, nonsense has none", async () => {
    const { identity, recipient } = await makeEscrowIdentity();
    assert.equal(await identityFingerprint(identity), recipientFingerprint(recipient));
    assert.equal(await identityFingerprint(`${identity.slice(0, -1)}!`), null);
    const swapped = identity.endsWith("Q") ? "P" : "Q";
    assert.equal(await identityFingerprint(identity.slice(0, -1) + swapped), null);
  });
});

const epochOf = ({ epochs }: EscrowedRing): EscrowedRing["epochs"][number] =>
  epochs[0] ?? assert.fail();

suite("the contents of an escrow", () => {
  test("for all rings: parsing what was printed gives the ring", () => {
    const numbers = fc.uniqueArray(fc.integer({ min: 1, max: 2 ** 31 - 1 }), {
      minLength: 1,
      maxLength: 20,
    });
    fc.assert(
      fc.property(numbers, (found) => {
        const ring = ringOf(...found.toSorted((a, b) => a - b));
        assert.deepEqual(parseEscrow(printEscrow(ring)), ring);
      }),
    );
  });

  test("for all bytes: parsing throws nothing", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        assert.equal(parseEscrow(Buffer.from(bytes)), null);
      }),
    );
  });

  test("an older KEK exchanged for another is found, since the newest seals them all", () => {
    const printed = printEscrow(ringOf(1, 2));
    randomBytes(32).copy(printed, printed.length - 64);
    assert.equal(parseEscrow(printed), null);
  });

  test("epochs that do not rise, and a key too few or too many, are refused", () => {
    assert.equal(parseEscrow(printEscrow(ringOf(2, 1))), null);
    const printed = printEscrow(ringOf(1, 2));
    assert.equal(parseEscrow(printed.subarray(0, -32)), null);
    assert.equal(parseEscrow(Buffer.concat([printed, randomBytes(32)])), null);
  });

  test("wiping leaves no byte of a key", () => {
    const ring = ringOf(1, 2);
    wipeEscrow(ring);
    assert.ok(ring.epochs.every(({ kek }) => kek.equals(Buffer.alloc(32))));
  });
});
