import { ok, type Result } from "#core/result.ts";
import {
  filterAlone,
  invalid,
  unescaped,
  unsupported,
  type Asked,
  type ValueFilter,
} from "#records/fhir/search-asked.ts";

/** Whether one address is the other, or stands under it in the hierarchy of its path. */
function isUnder(address: string, above: string): boolean {
  if (!address.startsWith(above)) return false;
  return address.length === above.length || above.endsWith("/") || address[above.length] === "/";
}

/** A canonical with a version is found by its url alone, too. */
const isThat = (address: string, wanted: string): boolean =>
  address === wanted || (!wanted.includes("|") && address.startsWith(`${wanted}|`));

type UriTest = (address: string, wanted: string) => boolean;

function testOf(modifier: string | null): UriTest | null {
  switch (modifier) {
    case null:
      return isThat;
    case "below":
      return isUnder;
    case "above":
      return (address, wanted) => isUnder(wanted, address);
    default:
      return null;
  }
}

/** R4 §3.1.1.4.13: the whole address, or with `:below` and `:above` those under or over it. */
export function uriFilter(asked: Asked): Result<ValueFilter> {
  const test = testOf(asked.modifier);
  if (test === null) return unsupported(asked, ":above, :below and :missing");
  const wanted = unescaped(asked.value);
  if (wanted === "") return invalid(asked, "is empty");
  return ok(
    filterAlone((values) =>
      values.some((value) => typeof value === "string" && test(value, wanted)),
    ),
  );
}
