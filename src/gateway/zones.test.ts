import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { compileZones } from "./zones.ts";

suite("zones", () => {
  const zoneOf = compileZones([
    { cidr: "10.1.0.0/16", zone: "clinic" },
    { cidr: "10.0.0.0/8", zone: "app" },
    { cidr: "2001:db8::/32", zone: "clinic" },
  ]);
  const places: readonly (readonly [string, string])[] = [
    ["10.1.2.3", "clinic"],
    ["10.2.2.3", "app"],
    ["192.0.2.1", "internet"],
    ["2001:db8:ffff::1", "clinic"],
    ["2001:db9::1", "internet"],
  ];
  for (const [address, zone] of places)
    test(`${address} stands in ${zone}`, () => assert.equal(zoneOf(address), zone));

  test("without ranges all is the internet", () =>
    assert.equal(compileZones([])("10.1.2.3"), "internet"));

  for (const cidr of [
    "10.0.0.0",
    "10.0.0.0/33",
    "10.0.0/8",
    "2001:db8::/129",
    "x/8",
    "10.0.0.0/-1",
  ])
    test(`${cidr} is not a range`, () =>
      assert.throws(() => compileZones([{ cidr, zone: "clinic" }])));
});
