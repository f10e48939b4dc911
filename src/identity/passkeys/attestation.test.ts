import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { AttestationRoots } from "#identity/passkeys/attestation.ts";
import {
  createAuthenticator,
  type Authenticator,
  type Maker,
} from "#identity/passkeys/testing-authenticator.ts";
import { createMaker, type TestMaker } from "#identity/passkeys/testing-maker.ts";
import { createApp, readJson, readTokens } from "#identity/testing-app.ts";
import { byPasskey, enrolBegin, enrolFinish } from "#identity/testing-passkeys.ts";
import { makeAccount, nurse } from "#identity/testing-people.ts";
import { codeOfProblem, signedInPerson } from "#identity/testing-signed-in.ts";
import { testIdentity, type TestIdentity } from "#identity/testing.ts";

const rootsOf = ({ root }: TestMaker): AttestationRoots => new Map([["packed", [root]]]);

interface Enrolled {
  readonly authenticator: Authenticator;
  readonly response: Response;
}

async function enrolWith(identity: TestIdentity, maker?: Maker): Promise<Enrolled> {
  const { token } = await makeAccount(identity, nurse);
  const offer = await readJson(await enrolBegin(identity, token));
  const authenticator = createAuthenticator(maker);
  const response = await enrolFinish(identity, token, authenticator.create(offer["options"]));
  return { authenticator, response };
}

interface Standing {
  readonly level: unknown;
  readonly attestation: unknown;
}

/** Signs in in a new browser that binds its code to its key, as the portal does. */
async function standingAfter(
  identity: TestIdentity,
  authenticator: Authenticator,
): Promise<Standing> {
  const app = createApp(identity);
  const answer = await app.signIn(byPasskey(authenticator), { dpop_jkt: app.key.jkt });
  const tokens = await readTokens(await app.exchange(answer.get("code") ?? ""));
  const devices = await readJson(
    await app.call("GET", "/api/identity/account/devices", tokens.access),
  );
  const items = devices["items"] as readonly Readonly<Record<string, unknown>>[];
  const here = items.find(({ isThis }) => isThis === true);
  return { level: here?.["level"], attestation: here?.["attestation"] };
}

suite("a passkey's attestation", () => {
  test("by a root that the operator named raises the browser's key to level 3", async (t) => {
    const maker = await createMaker();
    const identity = await testIdentity(t, { attestationRoots: rootsOf(maker) });
    const { authenticator, response } = await enrolWith(identity, maker);
    assert.equal(response.status, 200);
    const standing = await standingAfter(identity, authenticator);
    assert.deepEqual(standing, { level: 3, attestation: "webauthn" });
  });

  test("from an unknown root is refused, and so is one in a format without roots", async (t) => {
    const [known, unknown] = [await createMaker(), await createMaker()];
    const identity = await testIdentity(t, { attestationRoots: rootsOf(known) });
    const { response } = await enrolWith(identity, unknown);
    assert.equal(await codeOfProblem(response), "passkey-refused");
    const others = await testIdentity(t, { attestationRoots: new Map([["tpm", [known.root]]]) });
    const second = await enrolWith(others, known);
    assert.equal(await codeOfProblem(second.response), "passkey-refused");
  });

  test("whose certificate has ended, or that another key signed, is refused", async (t) => {
    const ended = await createMaker(-1_000);
    const identity = await testIdentity(t, { attestationRoots: rootsOf(ended) });
    assert.equal(
      await codeOfProblem((await enrolWith(identity, ended)).response),
      "passkey-refused",
    );
    const [maker, thief] = [await createMaker(), await createMaker()];
    const second = await testIdentity(t, { attestationRoots: rootsOf(maker) });
    const forged = { key: thief.key, certificates: maker.certificates };
    assert.equal(
      await codeOfProblem((await enrolWith(second, forged)).response),
      "passkey-refused",
    );
  });

  test("that is missing, or only its own, is let in and raises nothing", async (t) => {
    const maker = await createMaker();
    for (const own of [undefined, { key: null, certificates: [] }]) {
      const identity = await testIdentity(t, { attestationRoots: rootsOf(maker) });
      const { authenticator, response } = await enrolWith(identity, own);
      assert.equal(response.status, 200);
      assert.equal((await standingAfter(identity, authenticator)).level, 1);
    }
  });

  test("is neither asked for nor believed when the operator named no root", async (t) => {
    const identity = await testIdentity(t);
    const { authenticator, response } = await enrolWith(identity, await createMaker());
    assert.equal(response.status, 200);
    const standing = await standingAfter(identity, authenticator);
    assert.deepEqual(standing, { level: 1, attestation: "none" });
  });

  test("counts no more once the operator has taken its root away", async (t) => {
    const maker = await createMaker();
    const identity = await testIdentity(t, { attestationRoots: rootsOf(maker) });
    const { authenticator } = await enrolWith(identity, maker);
    const restarted = await testIdentity(t, {
      restart: identity,
      attestationRoots: rootsOf(await createMaker()),
    });
    assert.equal((await standingAfter(restarted, authenticator)).level, 1);
  });

  test("is withdrawn from every browser when its passkey was on a lost device", async (t) => {
    const maker = await createMaker();
    const identity = await testIdentity(t, { attestationRoots: rootsOf(maker) });
    const { authenticator } = await enrolWith(identity, maker);
    await standingAfter(identity, authenticator);
    await standingAfter(identity, authenticator);
    const levels = () =>
      identity.db.query<{ readonly id: string; readonly level: number }>(
        "SELECT id, level FROM identity.device ORDER BY id",
      );
    const [first, second] = await levels();
    assert.deepEqual([first?.level, second?.level], [3, 3]);
    const [passkey] = await identity.db.query<{ readonly id: string }>(
      "SELECT id FROM identity.passkey",
    );
    const pia = await signedInPerson(identity, {
      displayName: "Pia Ott",
      roles: ["privacy-officer"],
      patients: [],
      practitioner: null,
      externalId: "demo:pia",
    });
    const lost = await pia.call("POST", `admin/devices/${first?.id}/lost`, {
      passkeys: [passkey?.id],
    });
    assert.equal((await readJson(lost))["passkeysRemoved"], 1);
    const after = new Map((await levels()).map(({ id, level }) => [id, level]));
    assert.deepEqual([after.get(first?.id ?? ""), after.get(second?.id ?? "")], [0, 1]);
  });
});
