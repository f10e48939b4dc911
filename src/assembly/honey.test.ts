import assert from "node:assert/strict";
import { test } from "node:test";
import { layHoney } from "#assembly/honey.ts";
import { systemClock } from "#core/clock.ts";
import { systemRandom } from "#core/random.ts";
import { refuse } from "#core/problem.ts";
import { ok } from "#core/result.ts";

interface Line {
  readonly resource: { readonly resourceType: string; readonly id: string };
}

async function laid(count: number): Promise<readonly (readonly Line[])[]> {
  const sent: (readonly Line[])[] = [];
  const result = await layHoney(count, {
    operator: {
      post: async (_role, _path, _type, body) => {
        const lines = String(body)
          .split("\n")
          .map((line) => JSON.parse(line) as Line);
        sent.push(lines);
        return ok(JSON.stringify({ patients: 1, records: lines.length }));
      },
    },
    clock: systemClock,
    random: systemRandom,
    progress: () => {},
  });
  assert.deepEqual(result, ok({ patients: count, records: sent.flat().length }));
  return sent;
}

test("each patient laid is whole, with ids as Phylax gives them, and refers to herself", async () => {
  const sent = await laid(12);
  for (const lines of sent) {
    const patients = lines.filter(({ resource }) => resource.resourceType === "Patient");
    assert.equal(patients.length, 1);
    const id = patients[0]?.resource.id;
    for (const { resource } of lines) {
      assert.match(resource.id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-/);
      assert.ok(
        resource.resourceType === "Patient" || JSON.stringify(resource).includes(`Patient/${id}`),
      );
    }
    assert.equal(new Set(lines.map(({ resource }) => resource.id)).size, lines.length);
    // A newborn has hardly been seen yet.
    assert.ok(lines.length > 1, "more than a name");
    assert.ok(lines.every(({ resource }) => resource.resourceType !== "CareTeam"));
  }
  assert.ok(sent.flat().length > 200, "patients with histories");
});

test("two commands never lay the same patient", async () => {
  const [one, other] = [await laid(2), await laid(2)];
  const texts = (sent: typeof one): Set<string> =>
    new Set(
      sent
        .flat()
        .filter(({ resource }) => resource.resourceType === "Patient")
        .map(({ resource }) => JSON.stringify({ ...resource, id: "" })),
    );
  assert.equal(new Set([...texts(one), ...texts(other)]).size, 4);
});

test("a refusal ends the command", async () => {
  const result = await layHoney(3, {
    operator: { post: async () => refuse("key-unavailable") },
    clock: systemClock,
    random: systemRandom,
    progress: () => {},
  });
  assert.equal(!result.ok && result.problem.code, "key-unavailable");
});
