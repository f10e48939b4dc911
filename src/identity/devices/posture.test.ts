import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { suite, test, type TestContext } from "node:test";
import { laterBy, systemClock, type Clock } from "#core/clock.ts";
import { parseManagerKey, type DeviceManagers } from "#identity/devices/device-managers.ts";
import { certificateRequest } from "#identity/devices/testing-certificate.ts";
import { readJson } from "#identity/testing-app.ts";
import { postJson } from "#identity/testing-passkeys.ts";
import { nurse } from "#identity/testing-people.ts";
import { codeOfProblem, itemsOf, signedInPerson } from "#identity/testing-signed-in.ts";
import { origin, testIdentity, type TestIdentity } from "#identity/testing.ts";

interface Said {
  readonly origin: string;
  readonly manager: string;
  readonly key: KeyObject;
  readonly device: string;
  readonly healthy: boolean;
  readonly lastsSeconds?: number;
}

// The sender that managers are shown is the one that is tested.
const sender = (await import(
  new URL("../../../docs/examples/device-posture.mjs", import.meta.url).href
)) as { readonly postureStatement: (said: Said) => string };

const path = "/api/identity/device-posture";
const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const stranger = generateKeyPairSync("ed25519").privateKey;
const pem = publicKey.export({ type: "spki", format: "pem" }).toString();

function managersNamed(...names: readonly string[]): DeviceManagers {
  const key = parseManagerKey(pem);
  assert.ok(key !== null);
  return new Map(names.map((name) => [name, key]));
}

interface Tablet {
  readonly identity: TestIdentity;
  readonly id: string;
  readonly level: () => Promise<number>;
  /** Level of the device's session as the records process is told it. */
  readonly told: () => Promise<number>;
  readonly say: (wrong?: Partial<Said>) => string;
  readonly send: (statement: unknown) => Promise<Response>;
}

/** A nurse's tablet with a certificate, managed by "clinic". */
async function tablet(t: TestContext, clock: Clock = systemClock): Promise<Tablet> {
  const deviceManagers = managersNamed("clinic", "other");
  const identity = await testIdentity(t, { clock, deviceManagers });
  const person = await signedInPerson(identity, nurse);
  const [device] = await itemsOf(await person.call("GET", "account/devices"));
  const id = String(device?.["id"]);
  await identity.operate("/internal/devices/enrol", { id, managedBy: "clinic" });
  const { csr } = await certificateRequest();
  await identity.operate("/internal/devices/certificate", { id, csr });
  const said = { origin, manager: "clinic", key: privateKey, device: id, healthy: true };
  return {
    identity,
    id,
    level: async () =>
      Number((await readJson(await identity.operate("/internal/devices/show", { id })))["level"]),
    told: async () => {
      const records = identity.database.as("phylax_records");
      const [row] = await records.query<{ readonly level: number }>(
        "SELECT device_level AS level FROM identity.live WHERE device_id = $1",
        [id],
      );
      return row?.level ?? -1;
    },
    say: (wrong = {}) => sender.postureStatement({ ...said, ...wrong }),
    send: (statement) => postJson(identity, path, { statement }),
  };
}

suite("what a manager says of a device", () => {
  test("raises a healthy device with a certificate to level 4, and an unhealthy one falls to 1 at once", async (t) => {
    const { identity, id, level, told, say, send } = await tablet(t);
    assert.equal(await level(), 2);
    assert.equal((await send(say())).status, 200);
    assert.equal(await level(), 4);
    assert.equal(await told(), 4);
    assert.equal((await send(say({ healthy: false }))).status, 200);
    assert.equal(await told(), 1);
    const reasons = identity.log.entries
      .filter(({ actor, resourceId }) => actor === "device-manager:clinic" && resourceId === id)
      .flatMap((entry) => entry.reasons);
    assert.deepEqual(reasons, ["device-healthy", "device-unhealthy"]);
  });

  test("holds a device down even while the log cannot be written, and never raises it then", async (t) => {
    const { identity, level, say, send } = await tablet(t);
    identity.log.isDown = true;
    assert.equal((await send(say())).status, 503);
    identity.log.isDown = false;
    assert.equal(await level(), 2);
    await send(say());
    identity.log.isDown = true;
    assert.equal((await send(say({ healthy: false }))).status, 503);
    identity.log.isDown = false;
    assert.equal(await level(), 1);
  });

  test("ends when the manager falls silent, without waiting for the clean-up", async (t) => {
    let aheadMs = 0;
    const clock = { ...systemClock, now: () => laterBy(systemClock.now(), aheadMs) };
    const { told, say, send } = await tablet(t, clock);
    assert.equal((await send(say({ lastsSeconds: 60 }))).status, 200);
    assert.equal(await told(), 4);
    aheadMs = 60_000;
    // The clean-up runs once a minute: within half of that, only the settling can have done it.
    const patience = systemClock.now() + 30_000;
    while ((await told()) === 4 && systemClock.now() < patience)
      await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(await told(), 2);
  });

  test("counts once and never after a newer word", async (t) => {
    const { level, say, send } = await tablet(t);
    const healthy = say();
    assert.equal((await send(healthy)).status, 200);
    assert.equal(await codeOfProblem(await send(healthy)), "proof-replayed");
    // Statements of one millisecond would be equally new.
    await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal((await send(say({ healthy: false }))).status, 200);
    assert.equal(await codeOfProblem(await send(healthy)), "proof-replayed");
    assert.equal(await level(), 1);
  });

  test("is believed from nobody else: a level that the device claims itself raises nothing", async (t) => {
    const { level, say, send } = await tablet(t);
    const forged = [
      say({ key: stranger }),
      say({ manager: "nobody" }),
      say({ origin: "https://elsewhere.example" }),
    ];
    for (const statement of forged)
      assert.equal(await codeOfProblem(await send(statement)), "proof-invalid");
    const [header, , signature] = say({ healthy: false }).split(".");
    const [, claims] = say().split(".");
    const mixed = `${header}.${claims}.${signature}`;
    assert.equal(await codeOfProblem(await send(mixed)), "proof-invalid");
    assert.equal(await codeOfProblem(await send({ level: 4 })), "parameter-invalid");
    assert.equal(await level(), 2);
  });

  test("is heard about the devices that the manager has, and about no others", async (t) => {
    const { identity, id, level, say, send } = await tablet(t);
    assert.equal(await codeOfProblem(await send(say({ manager: "other" }))), "not-found");
    await send(say());
    assert.equal(await level(), 4);
    await identity.operate("/internal/devices/enrol", { id, managedBy: "other" });
    assert.equal(await level(), 2);
    assert.equal(await codeOfProblem(await send(say())), "not-found");
  });

  test("is refused when it is too old, or lasts too long", async (t) => {
    let aheadMs = 0;
    const clock = { ...systemClock, now: () => laterBy(systemClock.now(), aheadMs) };
    const { say, send } = await tablet(t, clock);
    for (const lastsSeconds of [59, 86_401, 60.5])
      assert.equal(await codeOfProblem(await send(say({ lastsSeconds }))), "parameter-invalid");
    const old = say();
    aheadMs = 301_000;
    assert.equal(await codeOfProblem(await send(old)), "proof-invalid");
    aheadMs = -120_000;
    assert.equal(await codeOfProblem(await send(say())), "proof-invalid");
  });

  test("does nothing for a device that was lost", async (t) => {
    const { identity, id, level, say, send } = await tablet(t);
    await identity.operate("/internal/devices/lost", { id });
    assert.equal(await codeOfProblem(await send(say())), "not-found");
    assert.equal(await level(), 0);
  });
});

test("a manager's key is a public key of Ed25519 or P-256, and a private one is refused", () => {
  assert.notEqual(parseManagerKey(pem), null);
  const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey;
  assert.notEqual(parseManagerKey(p256.export({ type: "spki", format: "pem" }).toString()), null);
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey;
  assert.equal(parseManagerKey(rsa.export({ type: "spki", format: "pem" }).toString()), null);
  assert.equal(
    parseManagerKey(privateKey.export({ type: "pkcs8", format: "pem" }).toString()),
    null,
  );
  assert.equal(parseManagerKey("-----BEGIN PUBLIC KEY-----\nno\n-----END PUBLIC KEY-----"), null);
});
