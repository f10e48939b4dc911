import assert from "node:assert/strict";
import { suite, test } from "node:test";
import * as fc from "fast-check";
import type { Method, Route } from "#core/routes.ts";
import { compileRoutes, type RouteMatch } from "./route-table.ts";

const route = (path: string, methods: readonly Method[] = ["GET"]): Route => ({
  methods,
  path,
  to: "records",
  bodyBytes: 0,
  query: [],
  perMinute: 1,
});

const fits = (pattern: readonly string[], segments: readonly string[]): boolean =>
  pattern.length === segments.length &&
  pattern.every((part, at) => {
    const segment = segments[at] ?? "";
    return part.startsWith(":") ? segment.length <= 128 : part === segment;
  });

const parts = (path: string): string[] => path.split("/").filter((part) => part !== "");
const shape = (path: string): string =>
  parts(path)
    .map((part) => (part.startsWith(":") ? ":" : part))
    .join("/");

/** Looks at every route, and takes the fitting path whose literals stand furthest left. */
function naiveMatch(
  routes: readonly Route[],
  method: string,
  segments: readonly string[],
): RouteMatch {
  const fitting = routes.filter(({ path }) => fits(parts(path), segments));
  const rank = (path: string): string =>
    parts(path)
      .map((part) => (part.startsWith(":") ? "1" : "0"))
      .join("");
  const best = fitting.map(({ path }) => rank(path)).sort()[0];
  const chosen = fitting.filter(({ path, methods }) => rank(path) === best && methods.length > 0);
  const [any] = chosen;
  if (any === undefined) return { kind: "unknown" };
  const found = chosen.find(({ methods }) => methods.some((one) => one === method));
  if (found !== undefined)
    return { kind: "found", entry: { route: found, index: routes.indexOf(found) } };
  return { kind: "wrong-method", allow: chosen.flatMap(({ methods }) => methods).join(", ") };
}

const methods: readonly Method[] = ["GET", "POST", "PUT"];
const pathArb = fc
  .array(fc.constantFrom("a", "b", "c", ":x", ":y"), { maxLength: 4 })
  .map((names) => `/${names.join("/")}`);
const tableArb = fc
  .array(fc.tuple(pathArb, fc.subarray([...methods], { minLength: 1 })), { maxLength: 12 })
  .map((declared) => {
    const taken = new Set<string>();
    return declared.flatMap(([path, wanted]) => {
      const free = wanted.filter((method) => !taken.has(`${method} ${shape(path)}`));
      for (const method of free) taken.add(`${method} ${shape(path)}`);
      return free.length === 0 ? [] : [route(path, free)];
    });
  });

suite("the route table", () => {
  test("finds what a naive look at every route finds", () => {
    const kinds = new Set<string>();
    fc.assert(
      fc.property(
        tableArb,
        fc.constantFrom("GET", "POST", "PUT", "TRACE"),
        fc.array(fc.constantFrom("a", "b", "c", "d"), { maxLength: 5 }),
        (table, method, segments) => {
          const found = compileRoutes(table).match(method, segments);
          kinds.add(found.kind);
          assert.deepEqual(found, naiveMatch(table, method, segments));
        },
      ),
      { numRuns: 3_000 },
    );
    assert.equal(kinds.size, 3);
  });

  test("a literal wins over a name, and a dead end goes back to the name", () => {
    const table = compileRoutes([
      route("/fhir/metadata"),
      route("/fhir/:type"),
      route("/fhir/:type/:id"),
    ]);
    const templateOf = (segments: readonly string[]): string | null => {
      const match = table.match("GET", segments);
      return match.kind === "found" ? match.entry.route.path : null;
    };
    assert.equal(templateOf(["fhir", "metadata"]), "/fhir/metadata");
    assert.equal(templateOf(["fhir", "Patient"]), "/fhir/:type");
    assert.equal(templateOf(["fhir", "metadata", "1"]), "/fhir/:type/:id");
    assert.equal(templateOf(["fhir"]), null);
  });

  test("a name stands for at most 128 characters", () => {
    const table = compileRoutes([route("/:a")]);
    assert.equal(table.match("GET", ["x".repeat(128)]).kind, "found");
    assert.equal(table.match("GET", ["x".repeat(129)]).kind, "unknown");
  });

  test("names of object members are ordinary segments", () => {
    const table = compileRoutes([route("/a")]);
    for (const name of ["__proto__", "constructor", "toString"])
      assert.equal(table.match("GET", [name]).kind, "unknown");
  });

  test("the same path and method twice is refused", () => {
    assert.throws(() => compileRoutes([route("/a/:x"), route("/a/:y")]), /declared twice/);
  });

  test("a path that does not begin with a slash is refused", () => {
    assert.throws(() => compileRoutes([route("a")]), /does not begin/);
  });
});
