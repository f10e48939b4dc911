import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { suite, test } from "node:test";
import { gatewayLimits } from "./limits.ts";
import { compileRoutes } from "./route-table.ts";
import { routes } from "./routes.ts";

const document = readFileSync(new URL("../../docs/gateway.md", import.meta.url), "utf8");

/** The rows of the first table under a heading, cells trimmed and without code marks. */
function rowsUnder(heading: string): readonly (readonly string[])[] {
  const section = document.split(`## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  return section
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .slice(2)
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.replaceAll("`", "").trim()),
    );
}

suite("the declared routes", () => {
  test("compile", () => assert.equal(compileRoutes(routes).entries.length, routes.length));

  test("are those that the documentation lists", () => {
    const declared = routes.map((route) => [
      route.methods.join(", "),
      route.path,
      route.to,
      String(route.bodyBytes),
      route.query === "any" ? "any" : route.query.join(", "),
      String(route.perMinute),
    ]);
    assert.ok(declared.length > 40);
    assert.deepEqual(rowsUnder("Routes"), declared);
  });

  test("let a guess be tried far less often than a reading", () => {
    const guesses = routes.filter(({ path }) => /password|totp|enrol\//.test(path));
    assert.equal(guesses.length, 4);
    for (const { perMinute } of guesses) assert.ok(perMinute <= 60);
  });

  test("take a body only where one is sent", () => {
    for (const { methods, bodyBytes, path } of routes) {
      const sends = methods.some((method) => ["POST", "PUT", "PATCH"].includes(method));
      if (!sends) assert.equal(bodyBytes, 0, path);
      else if (path.endsWith("sign-out")) continue;
      else assert.ok(bodyBytes > 0, path);
    }
  });
});

test("the documented limits are those in force", () => {
  const documented = rowsUnder("Limits").map(([name, value]) => [name, value]);
  const inForce = Object.entries(gatewayLimits).map(([name, value]) => [name, String(value)]);
  assert.ok(inForce.length > 25);
  assert.deepEqual(documented, inForce);
});
