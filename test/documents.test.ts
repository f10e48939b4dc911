import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  globSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, normalize } from "node:path";
import { after, before, suite, test } from "node:test";
import { createTown } from "#town/town.ts";
import { startDeployment, type TestDeployment } from "./support/deployment.ts";

const root = new URL("..", import.meta.url).pathname;
const documents = ["*.md", "docs/**/*.md", "src/**/README.md"]
  .flatMap((pattern) => globSync(pattern, { cwd: root }))
  .sort();

/** Run by the test run itself, by CI, or by another test, as the second column says. */
const runElsewhere: readonly (readonly [RegExp, string])[] = [
  [/^npm ci( && npm start)?$/, ".ci/run and the journeys"],
  [/^(PHYLAX_HOME=\S+ )?npm start( -- --empty)?( --port \d+)?$/, "test/faults/lifecycle.test.ts"],
  [/^npm test( -- .*)?$/, "this very run"],
  [/^apt-get install softhsm2$/, ".ci/run"],
  [/^softhsm2-util --init-token /, "src/keys/kms/testing-hsm.ts, in a folder of its own"],
  [/^npm run (bench|format|check|build)( -- .*)?$/, "by hand and in CI"],
];

interface Command {
  readonly file: string;
  readonly line: string;
}

function commandsOf(file: string): readonly Command[] {
  const text = readFileSync(join(root, file), "utf8");
  return [...text.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap((block) =>
    (block[1] ?? "")
      .replaceAll("\\\n", " ")
      .split("\n")
      .map((line) => line.replace(/\s+#\s.*$/, "").trim())
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => ({ file, line })),
  );
}

const commands = documents.flatMap(commandsOf);

suite("the documents", { timeout: 300_000 }, () => {
  let phylax: TestDeployment;
  let folder: string;

  before(async () => {
    phylax = await startDeployment();
    folder = mkdtempSync(join(tmpdir(), "phylax-documents-"));
    const town = createTown({ seed: 3, patients: 2, asOf: "2026-10-01" });
    const lines = [...town.organisation(), ...town.patients()]
      .flat()
      .map((resource) => JSON.stringify(resource));
    cpSync(join(root, "package.json"), join(folder, "package.json"));
    writeFileSync(join(folder, "my-records.ndjson"), lines.join("\n"));
  });
  after(async () => {
    await phylax.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  test("there are documents with commands to try", () => {
    assert.ok(documents.length > 10, documents.join());
    assert.ok(commands.length > 8, `${commands.length} commands`);
  });

  test("every command works as written against a running demo", () => {
    for (const { file, line } of commands) {
      if (runElsewhere.some(([pattern]) => pattern.test(line))) continue;
      const adapted = line
        .replaceAll("npx phylax", `${process.execPath} ${join(root, "bin/phylax.js")}`)
        .replaceAll("node docs/", `${process.execPath} ${join(root, "docs")}/`)
        .replaceAll("localhost:8443", `localhost:${phylax.port}`)
        .replaceAll(/\.\/my-records\b/g, join(folder, "my-records.ndjson"));
      const ran = spawnSync("bash", ["-euo", "pipefail", "-c", adapted], {
        cwd: folder,
        encoding: "utf8",
        env: { ...process.env, PHYLAX_HOME: phylax.home },
      });
      assert.equal(
        ran.status,
        0,
        `${file}: ${line}\n${ran.stdout.slice(-500)}${ran.stderr.slice(-500)}`,
      );
    }
  });

  test("every link between documents leads somewhere", () => {
    const broken = documents.flatMap((file) =>
      [...readFileSync(join(root, file), "utf8").matchAll(/\]\((?!https?:|#)([^)#]+)/g)]
        .map((found) => found[1] ?? "")
        .filter((target) => !existsSync(normalize(join(root, dirname(file), target))))
        .map((target) => `${file} → ${target}`),
    );
    assert.deepEqual(broken, []);
  });
});
