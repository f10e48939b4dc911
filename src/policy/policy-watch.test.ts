import assert from "node:assert/strict";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import type { AttributeClass } from "#policy/attribute-class.ts";
import { readOwnPolicies, readPolicyFiles } from "#policy/policy-files.ts";
import { openPolicyWatch, type PolicyChange, type PolicyWatch } from "#policy/policy-watch.ts";

const product = await readPolicyFiles(join(import.meta.dirname, "../../policies"));
assert.ok(product.ok);

const forbidding = `@id("own-no-notes") forbid (principal, action == Action::"read", resource is PatientRecord)
when { resource.resourceType == "DocumentReference" };`;

const asked: AttributeClass = {
  roles: ["clinician"],
  deviceLevel: 1,
  zone: "clinic",
  purpose: "TREAT",
  action: "read",
  resource: {
    kind: "PatientRecord",
    resourceType: "DocumentReference",
    ofCaller: false,
    actedFor: false,
    inCareTeam: true,
    openedInEmergency: false,
    ofVisit: false,
    labels: [],
    forbiddenByConsent: false,
  },
};

interface Opened {
  readonly watch: PolicyWatch;
  readonly told: PolicyChange["kind"][];
  readonly write: (text: string) => void;
  /** As often as it takes to be sure that nothing is being written. */
  readonly settle: (logs?: boolean) => Promise<void>;
  readonly effect: () => string;
}

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "phylax-policies-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

async function opened(t: TestContext): Promise<Opened> {
  const folder = folderOf(t);
  assert.ok(product.ok);
  const watch = await openPolicyWatch({
    product: product.value,
    readOwn: () => readOwnPolicies(folder),
  });
  assert.ok(watch.ok);
  const told: PolicyChange["kind"][] = [];
  return {
    watch: watch.value,
    told,
    write: (text) => writeFileSync(join(folder, "ours.cedar"), text),
    settle: async (logs = true) => {
      for (let n = 0; n < 3; n += 1)
        await watch.value.look(async ({ kind }) => {
          told.push(kind);
          return logs;
        });
    },
    effect: () => watch.value.authorizer.decideClass(asked).effect,
  };
}

suite("an operator's own policies", () => {
  test("come into force while the product runs, and go", async (t) => {
    const { write, settle, effect, told, watch } = await opened(t);
    assert.equal(effect(), "permit");
    write(forbidding);
    await settle();
    assert.equal(effect(), "deny");
    assert.ok(watch.authorizer.policies.includes("own-no-notes"));
    write("");
    await settle();
    assert.equal(effect(), "permit");
    assert.deepEqual(told, ["taken", "taken"]);
  });

  for (const [what, text] of [
    ["is no Cedar", "forbid all of it"],
    ["names what the schema does not know", forbidding.replace("resourceType", "colour")],
    ["takes the place of a policy of ours", forbidding.replace("own-no-notes", "consent-forbids")],
    ["has no id of its own", forbidding.replace('@id("own-no-notes")', "")],
    ["has an id twice", `${forbidding}\n${forbidding}`],
    ["obliges to what nobody knows", `@obligation("dance") ${forbidding}`],
    ["is far too long", `// ${"x".repeat(300_000)}\n${forbidding}`],
  ] as const)
    test(`that ${what}: the set before stays in force, and it is told once`, async (t) => {
      const { write, settle, effect, told } = await opened(t);
      write(forbidding);
      await settle();
      write(text);
      await settle();
      await settle();
      assert.deepEqual(told, ["taken", "refused"]);
      assert.equal(effect(), "deny");
    });

  test("that lead nowhere, or have a name that would be passed over, are refused", async (t) => {
    const folder = folderOf(t);
    writeFileSync(join(folder, "ours.cedar"), forbidding);
    symlinkSync("/nowhere.cedar", join(folder, "gone.cedar"));
    assert.equal((await readOwnPolicies(folder)).ok, false);
    rmSync(join(folder, "gone.cedar"));
    assert.equal((await readOwnPolicies(folder)).ok, true);
    for (const name of ["No-Notes.cedar", "no_notes.cedar", "no notes.cedar", "notes.CEDAR"]) {
      writeFileSync(join(folder, name), forbidding);
      const read = await readOwnPolicies(folder);
      assert.match(read.ok ? "" : (read.problem.detail ?? ""), new RegExp(`^${name}`));
      rmSync(join(folder, name));
    }
    writeFileSync(join(folder, ".ours.cedar.swp"), "half");
    writeFileSync(join(folder, "cases.json"), "[]");
    assert.equal((await readOwnPolicies(folder)).ok, true);
    assert.deepEqual(await readOwnPolicies(join(folder, "none")), { ok: true, value: "" });
  });

  test("are not taken while they are being written", async (t) => {
    const { write, effect, watch } = await opened(t);
    const never = (): Promise<boolean> => Promise.reject(new Error("it was taken"));
    for (const half of [40, 80, forbidding.length]) {
      write(forbidding.slice(0, half));
      await watch.look(never);
    }
    assert.equal(effect(), "permit");
  });

  test("are not in force before the log knows of them", async (t) => {
    const { write, settle, effect, told } = await opened(t);
    write(forbidding);
    await settle(false);
    assert.equal(effect(), "permit");
    await settle();
    assert.equal(effect(), "deny");
    assert.deepEqual(told.at(-1), "taken");
  });

  test("that do not validate at the start let nothing start", async (t) => {
    const folder = folderOf(t);
    writeFileSync(join(folder, "ours.cedar"), "forbid all of it");
    assert.ok(product.ok);
    const readOwn = () => readOwnPolicies(folder);
    const watch = await openPolicyWatch({ product: product.value, readOwn });
    assert.equal(watch.ok ? "" : watch.problem.code, "policy-unavailable");
  });
});
