import assert from "node:assert/strict";
import { suite, test } from "node:test";
import * as fc from "fast-check";
import { invariant } from "#core/result.ts";
import { networkOf } from "#core/network-of.ts";
import { createSources, type Source, type SourcesOptions } from "./sources.ts";

const make = (options: Partial<SourcesOptions> = {}) =>
  createSources({
    perMinute: [60, 6],
    connectionsPerAddress: 2,
    remembered: 3,
    zoneOf: () => "internet",
    ...options,
  });

function opened(source: Source | null): Source {
  invariant(source !== null, "the address was refused");
  return source;
}

suite("sources", () => {
  test("a budget is spent, tells how long to wait, and refills", () => {
    const source = opened(make().open("192.0.2.1", 0));
    for (let taken = 0; taken < 6; taken += 1) assert.equal(source.take(1, 0), 0);
    assert.equal(source.take(1, 0), 10_000);
    assert.equal(source.take(1, 4_000), 6_000);
    assert.equal(source.take(1, 10_000), 0);
    assert.ok(source.take(1, 10_000) > 0);
  });

  test("budgets do not spend each other", () => {
    const source = opened(make().open("192.0.2.1", 0));
    for (let taken = 0; taken < 7; taken += 1) source.take(1, 0);
    assert.equal(source.take(0, 0), 0);
  });

  test("in no span is more granted than one bucket and its refill", () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 20_000 }), { maxLength: 200 }), (waits) => {
        const source = opened(make().open("192.0.2.1", 0));
        let now = 0;
        let granted = 0;
        for (const wait of waits) {
          now += wait;
          if (source.take(1, now) === 0) granted += 1;
        }
        assert.ok(granted <= 6 + (now * 6) / 60_000 + 1e-6);
      }),
    );
  });

  test("connections of one address share budgets and are counted", () => {
    const sources = make();
    const first = opened(sources.open("192.0.2.1", 0));
    const second = opened(sources.open("192.0.2.1", 0));
    assert.equal(sources.open("192.0.2.1", 0), null);
    for (let taken = 0; taken < 6; taken += 1) first.take(1, 0);
    assert.ok(second.take(1, 0) > 0);
    first.close();
    assert.ok(sources.open("192.0.2.1", 0));
  });

  test("an address that reconnects finds its budget as it left it", () => {
    const sources = make();
    const before = opened(sources.open("192.0.2.1", 0));
    for (let taken = 0; taken < 6; taken += 1) before.take(1, 0);
    before.close();
    assert.ok(opened(sources.open("192.0.2.1", 0)).take(1, 0) > 0);
  });

  test("addresses are remembered up to the limit, connected ones always", () => {
    const sources = make();
    const held = opened(sources.open("192.0.2.200", 0));
    for (let taken = 0; taken < 6; taken += 1) held.take(1, 0);
    for (let host = 1; host < 100; host += 1) opened(sources.open(`192.0.2.${host}`, 0)).close();
    assert.equal(sources.size, 4);
    assert.ok(opened(sources.open("192.0.2.200", 0)).take(1, 0) > 0);
  });

  test("an IPv4-mapped address is the IPv4 address", () => {
    const sources = make();
    assert.equal(opened(sources.open("::ffff:192.0.2.1", 0)).address, "192.0.2.1");
    opened(sources.open("192.0.2.1", 0));
    assert.equal(sources.open("::ffff:192.0.2.1", 0), null);
  });

  test("one IPv6 /64 is one source, its neighbour another", () => {
    assert.equal(networkOf("2001:db8:1:2::1"), networkOf("2001:db8:1:2:ffff:0:0:9"));
    assert.equal(networkOf("2001:0db8:0001:0002::1"), networkOf("2001:db8:1:2::"));
    assert.notEqual(networkOf("2001:db8:1:2::1"), networkOf("2001:db8:1:3::1"));
    assert.equal(networkOf("::1"), "0:0:0:0::/64");
    assert.equal(networkOf("2001:db8::"), "2001:db8:0:0::/64");
  });

  test("the full address is told, not its prefix", () => {
    assert.equal(opened(make().open("2001:db8::5%eth0", 0)).address, "2001:db8::5");
  });
});
