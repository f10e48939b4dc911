import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { boundsFor } from "#records/brake/bounds.ts";
import { openVisitor, signIn, type SignedIn, type Visitor } from "../support/client.ts";
import { printedSignIn, startDeployment, type TestDeployment } from "../support/deployment.ts";

interface Bundle {
  readonly link?: readonly { readonly relation: string; readonly url: string }[];
  readonly entry?: readonly { readonly resource: { readonly id: string } }[];
}

const share = 0.1;
const bounds = boundsFor({ roles: ["clinician"], share, usual: null });

suite("the volume brake of a deployment", { timeout: 300_000 }, () => {
  let phylax: TestDeployment;
  let visitor: Visitor;
  let first: SignedIn;
  let panel: readonly string[];

  before(async () => {
    phylax = await startDeployment({ variables: { PHYLAX_BRAKE_SHARE: String(share) } });
    visitor = openVisitor(phylax.origin, phylax.authority());
    first = await signIn(visitor, printedSignIn(phylax.output(), "clinician"));
    const listed = await first.ask("GET", "/fhir/Patient?_count=100");
    assert.equal(listed.status, 200, listed.text);
    panel = ((JSON.parse(listed.text) as Bundle).entry ?? []).map(({ resource }) => resource.id);
  });
  after(async () => {
    await visitor?.close();
    await phylax?.remove();
  });

  const open = async (id: string): Promise<number> =>
    (await first.ask("GET", `/fhir/Patient/${id}`)).status;

  test("the list of her patients is shown whole", () => {
    assert.ok(panel.length > bounds.device.charts.stop + 1, `${panel.length} patients`);
  });

  test("charts open, then slowly, then no further one, and the open ones stay open", async () => {
    const all: number[] = [];
    for (const id of panel) all.push(await open(id));
    const { stop } = bounds.device.charts;
    assert.deepEqual([...new Set(all.slice(0, stop))], [200]);
    assert.deepEqual([...new Set(all.slice(stop))], [429]);
    assert.equal(await open(panel[0] ?? ""), 200);
  });

  test("she is told how long to wait, by a coded outcome", async () => {
    const stopped = await first.ask("GET", `/fhir/Patient/${panel.at(-1)}`);
    assert.equal(stopped.status, 429);
    assert.match(stopped.text, /"code":"rate-limited"/);
    const wait = Number(stopped.headers["retry-after"]);
    assert.ok(wait > 0 && wait <= 3_600, String(wait));
  });

  test("the alarm is in the log, once, before the eyes of the security operator", async () => {
    const desk = openVisitor(phylax.origin, phylax.authority());
    try {
      const operator = await signIn(desk, printedSignIn(phylax.output(), "security-operator"));
      let told = "";
      for (let path: string | undefined = "/fhir/AuditEvent?_count=200"; path !== undefined;) {
        const found = await operator.ask("GET", path);
        assert.equal(found.status, 200, found.text);
        told += found.text;
        const { link = [] } = JSON.parse(found.text) as Bundle;
        path = link.find(({ relation }) => relation === "next")?.url.slice(phylax.origin.length);
      }
      const alarms = told.match(/"outcomeDesc":"volume-brake[",]/g) ?? [];
      assert.equal(alarms.length, 1, told.match(/"outcomeDesc":"[^"]*"/g)?.join(" "));
    } finally {
      await desk.close();
    }
  });
});
