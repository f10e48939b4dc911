import { BlockList, isIPv6 } from "node:net";
import type { Zone } from "#core/audit-entry.ts";
import { invariant } from "#core/result.ts";

/** An address range in CIDR form, and the zone that its addresses stand in. */
export interface ZoneRange {
  readonly cidr: string;
  readonly zone: Zone;
}

/**
 * Compiles ranges to a question: the first range that holds the address names its zone, and
 * what stands in none is the internet. Throws when a range is not CIDR.
 */
export function compileZones(ranges: readonly ZoneRange[]): (address: string) => Zone {
  const lists = ranges.map(({ cidr, zone }) => ({ zone, list: blockListOf(cidr) }));
  return (address) => {
    const family = isIPv6(address) ? "ipv6" : "ipv4";
    return lists.find(({ list }) => list.check(address, family))?.zone ?? "internet";
  };
}

function blockListOf(cidr: string): BlockList {
  const [network = "", prefix = ""] = cidr.split("/");
  invariant(/^[0-9]{1,3}$/.test(prefix), `${cidr} is not an address range`);
  const list = new BlockList();
  list.addSubnet(network, Number(prefix), isIPv6(network) ? "ipv6" : "ipv4");
  return list;
}
