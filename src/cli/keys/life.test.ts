import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { readEnvironment } from "#assembly/environment.ts";
import { runCommand } from "#cli/program.ts";
import { exitCodes } from "#cli/terminal.ts";

/** Runs `phylax keys …` on an empty home, where nothing runs. */
async function run(
  t: TestContext,
  ...args: readonly string[]
): Promise<{ code: number; err: string; out: string }> {
  const home = mkdtempSync(join(tmpdir(), "phylax-cli-"));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  const said = { out: "", err: "" };
  const code = await runCommand(["keys", ...args], {
    environment: readEnvironment({ PHYLAX_HOME: home }, home, false),
    variables: {},
    main: "",
    userHome: home,
    terminal: {
      out: (text) => {
        said.out += text;
      },
      err: (text) => {
        said.err += text;
      },
      isTerminal: false,
      colour: false,
    },
  });
  return { code, ...said };
}

const order = ["shred", "--patient", "p1", "--reason", "ordered"];

test("a shredding needs a second officer who is not the first, however the name is written", async (t) => {
  const alone = await run(t, ...order, "--yes");
  assert.equal(alone.code, exitCodes.usage);
  for (const second of ["a.first", "A.First"]) {
    const both = ["--officer", "a.first", "--second-officer", second, "--yes"];
    const same = await run(t, ...order, ...both);
    assert.equal(same.code, exitCodes.usage);
    assert.match(same.err, /must be another person/);
  }
});

test("a name that the log would not take is refused, and so is a reason that is empty or a story", async (t) => {
  const two = ["--officer", "a", "--second-officer"];
  const named = await run(t, ...order, ...two, "b second", "--yes");
  assert.match(named.err, /--second-officer: a name has/);
  for (const reason of [" ", "x".repeat(201)]) {
    const args = ["shred", "--patient", "p1", "--reason", reason, ...two, "b", "--yes"];
    const refused = await run(t, ...args);
    assert.equal(refused.code, exitCodes.usage);
    assert.match(refused.err, /--reason/);
  }
});

test("without a terminal to ask at, nothing is shredded unless --yes is given", async (t) => {
  const unasked = await run(t, ...order, "--officer", "a", "--second-officer", "b");
  assert.equal(unasked.code, exitCodes.usage);
  assert.match(unasked.err, /--yes must be given[\s\S]*Nothing was done/);
});

test("each command on keys says that Phylax does not run, and what to do", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "phylax-cli-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const choice = join(folder, "kms.json");
  writeFileSync(choice, '{"kind":"file"}');
  for (const args of [
    ["status"],
    ["rotate-kek"],
    ["reseal", "--all"],
    [...order, "--officer", "a", "--second-officer", "b", "--yes"],
    ["move-kms", choice],
    ["backup"],
  ]) {
    const { code, err } = await run(t, ...args);
    assert.equal(code, exitCodes.unavailable, args.join(" "));
    assert.match(err, /does not run on this home[\s\S]*npm start/);
  }
  const restore = await run(t, "restore", choice);
  assert.deepEqual([restore.code, /no deployment/.test(restore.err)], [exitCodes.config, true]);
});

test("each command on keys has examples in its help", async (t) => {
  for (const name of ["status", "rotate-kek", "reseal", "shred", "move-kms", "backup", "restore"]) {
    const { code, out } = await run(t, name, "--help");
    assert.equal(code, exitCodes.done);
    assert.match(out, new RegExp(`Examples:\\n  phylax keys ${name}`));
    assert.match(out, /Exit codes/);
  }
});

test("reseal wants one patient or all, not both and not neither", async (t) => {
  for (const args of [[], ["--all", "--patient", "p1"]])
    assert.equal((await run(t, "reseal", ...args)).code, exitCodes.usage);
});

test("a choice of the KMS that is no JSON file is refused before anything is asked", async (t) => {
  const { code, err } = await run(t, "move-kms", "/nonexistent.json");
  assert.equal(code, exitCodes.usage);
  assert.match(err, /not a JSON file/);
});
