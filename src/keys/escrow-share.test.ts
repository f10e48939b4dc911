import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import * as fc from "fast-check";
import { systemRandom } from "#core/random.ts";
import { isSealedText, openText, parseIdentities, sealText } from "#keys/age-text.ts";
import { makeEscrowIdentity, recipientFingerprint } from "#keys/escrow.ts";
import {
  combineShares,
  parseShare,
  printShare,
  splitIdentity,
  type EscrowShare,
} from "#keys/escrow-share.ts";

async function splitFresh(
  shares = 5,
  threshold = 3,
): Promise<{ identity: string; parts: readonly EscrowShare[] }> {
  const { identity, recipient } = await makeEscrowIdentity();
  const opens = recipientFingerprint(recipient);
  const parts = await splitIdentity({ identity, opens }, { shares, threshold }, systemRandom);
  return { identity, parts: parts.ok ? parts.value : assert.fail(parts.problem.code) };
}

const detailOf = (result: { ok: boolean; problem?: { detail?: string } }): string =>
  result.ok ? "" : (result.problem?.detail ?? "");

suite("shares of an escrow", () => {
  test("any three of five give the identity back, and so do all five", async () => {
    const { identity, parts } = await splitFresh();
    for (const chosen of [
      [0, 1, 2],
      [4, 2, 0],
      [1, 3, 4],
      [0, 1, 2, 3, 4],
    ]) {
      const shares = chosen.map((at) => parts[at] ?? assert.fail());
      assert.deepEqual(await combineShares(shares), { ok: true, value: identity });
    }
  });

  test("two of three needed are refused, also when one of them is given twice", async () => {
    const { parts } = await splitFresh();
    const [a = assert.fail(), b = assert.fail()] = parts;
    assert.match(detailOf(await combineShares([a, b])), /2 shares were given; 3 different/);
    assert.match(detailOf(await combineShares([a, b, a])), /2 shares were given; 3 different/);
    assert.match(detailOf(await combineShares([])), /no share/);
  });

  test("a share of another escrow is named, not mixed in", async () => {
    const mine = await splitFresh();
    const other = await splitFresh();
    const [a = assert.fail(), b = assert.fail()] = mine.parts;
    const stranger = other.parts[2] ?? assert.fail();
    assert.match(detailOf(await combineShares([a, b, stranger])), /share 3 is of escrow/);
  });

  test("a share whose data was forged together with its check is found by the fingerprint", async () => {
    const { parts } = await splitFresh();
    const [a = assert.fail(), b = assert.fail(), c = assert.fail()] = parts;
    const forged = { ...c, data: Buffer.from(c.data) };
    forged.data[5] = (forged.data[5] ?? 0) ^ 1;
    const read = parseShare(printShare(forged));
    assert.ok(read.ok);
    assert.match(detailOf(await combineShares([a, b, read.value])), /do not fit together/);
  });

  test("shares below the threshold say nothing of the identity's text", async () => {
    const { identity, parts } = await splitFresh();
    const text = Buffer.from(identity);
    assert.ok(parts.every(({ data }) => !data.includes(text.subarray(0, 12))));
  });

  test("a split that protects nothing or cannot be is refused", async () => {
    const whose = { identity: "x", opens: "y" };
    for (const [shares, threshold] of [
      [5, 1],
      [2, 3],
      [40, 3],
      [1, 1],
      [5, 2.5],
    ] as const) {
      const found = await splitIdentity(whose, { shares, threshold }, systemRandom);
      assert.equal(found.ok ? null : found.problem.code, "parameter-invalid");
    }
  });
});

suite("a share's text", () => {
  const anyShare = fc
    .record({
      shares: fc.integer({ min: 2, max: 32 }),
      data: fc.uint8Array({ minLength: 2, maxLength: 128 }),
      part: fc.double({ min: 0, max: 0.999, noNaN: true }),
    })
    .map(({ shares, data, part }) => ({
      escrow: systemRandom.uuid(),
      number: 1 + Math.floor(part * shares),
      shares,
      threshold: 2 + Math.floor(part * (shares - 1)),
      opens: randomBytes(32).toString("hex"),
      data: Buffer.from(data),
    }));

  test("for all shares: reading what was printed gives the share", () => {
    fc.assert(
      fc.property(anyShare, (share) => {
        assert.deepEqual(parseShare(printShare(share)), { ok: true, value: share });
      }),
    );
  });

  test("for all shares: one wrong digit is found", () => {
    fc.assert(
      fc.property(anyShare, fc.nat(), (share, pick) => {
        const text = printShare(share);
        const digits = [...text.matchAll(/(?<=data: [0-9a-f ]*)[0-9a-f]/g)].map(
          ({ index }) => index,
        );
        const at = digits[pick % digits.length] ?? assert.fail();
        const wrong = text[at] === "0" ? "1" : "0";
        assert.equal(parseShare(text.slice(0, at) + wrong + text.slice(at + 1)).ok, false);
      }),
    );
  });

  test("for all texts: reading throws nothing", () => {
    fc.assert(fc.property(fc.string(), (text) => assert.equal(parseShare(text).ok, false)));
  });

  test("words around it, other line ends and indentation do not matter", async () => {
    const { parts } = await splitFresh();
    const [share = assert.fail()] = parts;
    const text = `Keep this safe.\r\n${printShare(share).replaceAll("\n", "\r\n  ")}\r\nThank you.`;
    assert.deepEqual(parseShare(text), { ok: true, value: share });
  });

  test("two shares in one file are refused rather than one of them taken", async () => {
    const { parts } = await splitFresh();
    const text = parts.slice(0, 2).map(printShare).join("\n");
    assert.match(detailOf(parseShare(text)), /does not hold one/);
  });
});

suite("a share encrypted to its custodian", () => {
  test("opens with the custodian's identity, classic or hybrid, and with no other", async () => {
    const hybrid = await makeEscrowIdentity();
    const classic = await generateX25519Identity();
    const pairs = [
      { identity: hybrid.identity, recipient: hybrid.recipient },
      { identity: classic, recipient: await identityToRecipient(classic) },
    ];
    for (const { identity, recipient } of pairs) {
      const sealed = await sealText("the share", recipient);
      assert.ok(sealed.ok && isSealedText(sealed.value));
      assert.deepEqual(await openText(sealed.value, [identity]), { ok: true, value: "the share" });
      const stranger = await makeEscrowIdentity();
      assert.match(detailOf(await openText(sealed.value, [stranger.identity])), /none of the/);
      assert.match(detailOf(await openText(sealed.value, [])), /none of the/);
    }
  });

  test("what is no recipient is refused by name", async () => {
    assert.match(detailOf(await sealText("x", "bob@example.org")), /not an age recipient/);
  });

  test("identities are read from a key file with its comments", async () => {
    const classic = await generateX25519Identity();
    const { identity } = await makeEscrowIdentity();
    const text = `# created: today\n# public key: age1…\n${classic}\n\n${identity}\nnonsense\n`;
    assert.deepEqual(parseIdentities(text), [classic, identity]);
  });

  const age = spawnSync("age", ["--version"]);
  const missing = age.error !== undefined && "the age tool is not installed (apt install age)";
  test(
    "the age tool opens a share that was encrypted to a key of age-keygen",
    { skip: missing },
    async (t) => {
      const folder = await mkdtemp(join(tmpdir(), "phylax-share-"));
      t.after(() => rm(folder, { recursive: true }));
      const key = join(folder, "custodian.key");
      const made = spawnSync("age-keygen", ["-o", key], { encoding: "utf8" });
      const recipient = /age1[0-9a-z]+/.exec(made.stderr)?.[0] ?? assert.fail(made.stderr);
      const { parts } = await splitFresh();
      const [share = assert.fail()] = parts;
      const sealed = await sealText(printShare(share), recipient);
      assert.ok(sealed.ok);
      const file = join(folder, "share.age");
      await writeFile(file, sealed.value);
      const opened = spawnSync("age", ["--decrypt", "-i", key, file], { encoding: "utf8" });
      assert.equal(opened.status, 0, opened.stderr);
      assert.deepEqual(parseShare(opened.stdout), { ok: true, value: share });
    },
  );
});
