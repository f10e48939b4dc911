import assert from "node:assert/strict";
import { join } from "node:path";
import { suite, test } from "node:test";
import { createAuthorizer } from "#policy/authorizer.ts";
import { readPolicyFiles } from "#policy/policy-files.ts";
import { replay } from "#policy/replay.ts";

const product = await readPolicyFiles(join(import.meta.dirname, "../../policies"));
assert.ok(product.ok);

function authorizerWith(own: string) {
  assert.ok(product.ok);
  const made = createAuthorizer({ ...product.value, own });
  assert.ok(made.ok);
  return made.value;
}

const cared = "PatientRecord Observation care-team - clinician 1 clinic TREAT";
const strange = "PatientRecord Observation - - clinician 1 clinic TREAT";
const decided = new Map([
  [`read ${cared}`, 7],
  [`search ${cared}`, 20],
  [`read ${strange}`, 3],
  ["read PatientRecord", 2],
  ["dance SystemLog - - - clinician 1 clinic TREAT", 5],
]);

suite("decisions put to other policies", () => {
  test("change nothing where the policies are the same", () => {
    const now = authorizerWith("");
    const { changes, decisions, unknown } = replay(decided, { now, tried: now });
    assert.deepEqual({ changes, decisions, unknown }, { changes: [], decisions: 30, unknown: 7 });
  });

  test("are told that would be otherwise, the most frequent first, with who decides then", () => {
    const tried = authorizerWith(
      '@id("own-none") forbid (principal, action, resource is PatientRecord) when { resource.resourceType == "Observation" };',
    );
    const { changes } = replay(decided, { now: authorizerWith(""), tried });
    const by = ["own-none"];
    assert.deepEqual(changes, [
      { asked: `search ${cared}`, times: 20, was: "permit", wouldBe: "deny", by },
      { asked: `read ${cared}`, times: 7, was: "permit", wouldBe: "deny", by },
    ]);
  });

  test("tell also what would be permitted that is not now", () => {
    const tried = authorizerWith(
      '@id("own-all") permit (principal, action == Action::"read", resource is PatientRecord) when { principal.roles.contains("clinician") };',
    );
    const { changes } = replay(decided, { now: authorizerWith(""), tried });
    assert.deepEqual(
      changes.map(({ asked, was, wouldBe }) => [asked, was, wouldBe]),
      [[`read ${strange}`, "deny", "permit"]],
    );
  });
});
