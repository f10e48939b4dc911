import assert from "node:assert/strict";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { invariant } from "#core/result.ts";
import { chooseBody, loadPortal, type PortalFile } from "./portal.ts";
import { ask, testGateway } from "./testing.ts";

const html = "<!doctype html><title>Phylax</title>".padEnd(4_000, " ");
const script = 'console.log("portal");'.padEnd(20_000, " ");
const icon = '<svg xmlns="http://www.w3.org/2000/svg"/>';
const built = {
  "index.html": html,
  "assets/index-Bx3dE_9a.js": script,
  "assets/plain.css": "a{}",
  "assets/secret.map": "{}",
  "favicon.svg": icon,
  "manifest.webmanifest": "{}",
};

suite("the portal over the wire", () => {
  test("every page is the same index.html, never stored, under the strict policy", async (t) => {
    const to = await testGateway(t, { portal: built });
    for (const path of [
      "/",
      "/home",
      "/record/results",
      "/sign-in/abc",
      "/callback?code=1&state=2",
    ]) {
      const { status, headers, body } = await ask(to, { path });
      assert.equal(status, 200, path);
      assert.equal(body.toString(), html);
      assert.equal(headers["content-type"], "text/html; charset=utf-8");
      assert.equal(headers["cache-control"], "no-store");
      assert.match(String(headers["content-security-policy"]), /script-src 'self';/);
      assert.match(
        String(headers["content-security-policy"]),
        /require-trusted-types-for 'script'$/,
      );
      assert.doesNotMatch(String(headers["content-security-policy"]), /unsafe/);
    }
  });

  test("what is named by its hash is kept for ever, the rest is not stored", async (t) => {
    const to = await testGateway(t, { portal: built });
    const hashed = await ask(to, { path: "/assets/index-Bx3dE_9a.js" });
    assert.equal(hashed.headers["cache-control"], "public, max-age=31536000, immutable");
    assert.equal(hashed.headers["content-type"], "text/javascript; charset=utf-8");
    const plain = await ask(to, { path: "/assets/plain.css" });
    assert.equal(plain.headers["cache-control"], "no-store");
  });

  test("bodies come compressed when asked for so, and unpack to the file", async (t) => {
    const to = await testGateway(t, { portal: built });
    const path = "/assets/index-Bx3dE_9a.js";
    const br = await ask(to, { path, headers: { "accept-encoding": "gzip, br" } });
    assert.equal(br.headers["content-encoding"], "br");
    assert.equal(brotliDecompressSync(br.body).toString(), script);
    const gz = await ask(to, { path, headers: { "accept-encoding": "gzip;q=1.0, br;q=0" } });
    assert.equal(gz.headers["content-encoding"], "gzip");
    assert.equal(gunzipSync(gz.body).toString(), script);
    const plain = await ask(to, { path });
    assert.equal(plain.headers["content-encoding"], undefined);
    assert.equal(plain.headers.vary, "accept-encoding");
    assert.equal(new Set([br, gz, plain].map(({ headers }) => headers.etag)).size, 3);
  });

  test("a client that has the file is told so without it", async (t) => {
    const to = await testGateway(t, { portal: built });
    const path = "/favicon.svg";
    const { headers } = await ask(to, { path });
    const again = await ask(to, { path, headers: { "if-none-match": `"x", W/${headers.etag}` } });
    assert.equal(again.status, 304);
    assert.equal(again.body.length, 0);
    assert.equal((await ask(to, { path, headers: { "if-none-match": '"x"' } })).status, 200);
  });

  test("HEAD tells the length and sends nothing", async (t) => {
    const to = await testGateway(t, { portal: built });
    const { status, headers, body } = await ask(to, { method: "HEAD", path: "/" });
    assert.deepEqual([status, headers["content-length"], body.length], [200, "4000", 0]);
  });

  test("what was not built is not found, nor what lies beside", async (t) => {
    const to = await testGateway(t, { portal: built });
    for (const path of [
      "/assets/none.js",
      "/assets/secret.map",
      "/index.html",
      "/assets/index.html",
    ])
      assert.equal((await ask(to, { path })).status, 404, path);
  });

  test("unbuilt, it says what to do; built and reloaded, it is served", async (t) => {
    const to = await testGateway(t);
    const before = await ask(to, { path: "/home", headers: { accept: "text/html" } });
    assert.equal(before.status, 503);
    assert.match(before.body.toString(), /npm run build/);
    writeFileSync(join(to.portalDirectory, "index.html"), html);
    assert.ok((await to.gateway.reloadPortal()).ok);
    assert.equal((await ask(to, { path: "/home" })).body.toString(), html);
    rmSync(join(to.portalDirectory, "index.html"));
    assert.ok(!(await to.gateway.reloadPortal()).ok);
    assert.equal((await ask(to, { path: "/home" })).body.toString(), html);
  });
});

suite("the portal's folder", () => {
  const limits = { portalBytes: 100, portalFiles: 2 };
  const folder = (files: Readonly<Record<string, string>>): string => {
    const directory = mkdtempSync(join(tmpdir(), "phylax-portal-"));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
    return directory;
  };

  const whyNot = async (directory: string): Promise<string | undefined> => {
    const portal = await loadPortal({ directory, ...limits });
    return portal.ok ? "loaded" : portal.problem.detail;
  };

  test("is missing where there is no folder or no index.html", async () => {
    assert.equal(await whyNot("/nowhere/at/all"), "there is no index.html");
    const directory = folder({ "a.js": "" });
    assert.equal(await whyNot(directory), "there is no index.html");
    rmSync(directory, { recursive: true });
  });

  const tooMuch: readonly (readonly [Readonly<Record<string, string>>, string])[] = [
    [{ "index.html": "x".repeat(60), "b.js": "x".repeat(60) }, "more than 100 bytes"],
    [{ "index.html": "", "a.js": "", "b.js": "" }, "more than 2 files"],
  ];
  for (const [files, why] of tooMuch)
    test(`is refused with ${why}`, async () => {
      const directory = folder(files);
      assert.equal(await whyNot(directory), why);
      rmSync(directory, { recursive: true });
    });

  test("a link out of it is not followed", async () => {
    const directory = folder({ "index.html": "" });
    symlinkSync("/etc/hostname", join(directory, "leak.txt"));
    const portal = await loadPortal({ directory, ...limits });
    invariant(portal.ok, "the portal was not read");
    assert.deepEqual([...portal.value.files.keys()], ["/index.html"]);
    rmSync(directory, { recursive: true });
  });
});

suite("the choice of a body", () => {
  const bytes = Buffer.alloc(0);
  const file: PortalFile = {
    type: "text/css",
    bodies: [
      { encoding: "br", bytes, etag: '"br"' },
      { encoding: "gzip", bytes, etag: '"gz"' },
      { encoding: null, bytes, etag: '"id"' },
    ],
  };
  const choices: readonly (readonly [string, string | null])[] = [
    ["", null],
    ["br", "br"],
    ["gzip, deflate, br", "br"],
    ["GZIP", "gzip"],
    ["br;q=0, gzip", "gzip"],
    ["br;q=0.000", null],
    ["br;q=0.5", "br"],
    ["brotli", null],
    ["identity", null],
  ];
  for (const [accepted, encoding] of choices)
    test(`${JSON.stringify(accepted)} gives ${encoding ?? "the file as it is"}`, () =>
      assert.equal(chooseBody(file, accepted).encoding, encoding));
});
