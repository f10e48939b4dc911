import { ok, type Result } from "#core/result.ts";
import { isObject } from "#records/fhir/json-value.ts";
import {
  filterAlone,
  invalid,
  splitUnescaped,
  unescaped,
  unsupported,
  type Asked,
  type ValueFilter,
} from "#records/fhir/search-asked.ts";

interface Place {
  readonly latitude: number;
  readonly longitude: number;
}

const earthRadiusKm = 6_371.0088;
/** R4 leaves to the server how far `near` reaches when it names no distance. */
const defaultDistanceKm = 25;

const kmPerUnit: ReadonlyMap<string, number> = new Map([
  ["km", 1],
  ["m", 0.001],
  ["mi", 1.609344],
  // The international mile, as UCUM spells it.
  ["[mi_i]", 1.609344],
  ["[mi_us]", 1.609347],
]);

const radians = (degrees: number): number => (degrees * Math.PI) / 180;

/** Along a great circle, by the haversine formula, which stays exact for near places. */
function distanceKm(a: Place, b: Place): number {
  const halfChord = (x: number, y: number): number => Math.sin(radians(y - x) / 2) ** 2;
  const h =
    halfChord(a.latitude, b.latitude) +
    Math.cos(radians(a.latitude)) *
      Math.cos(radians(b.latitude)) *
      halfChord(a.longitude, b.longitude);
  return 2 * earthRadiusKm * Math.asin(Math.min(1, Math.sqrt(h)));
}

function placeOf(value: unknown): Place | null {
  if (!isObject(value)) return null;
  const { latitude, longitude } = value;
  return typeof latitude === "number" && typeof longitude === "number"
    ? { latitude, longitude }
    : null;
}

const decimal = /^[+-]?\d{1,6}(?:\.\d{1,20})?$/;

function wantedPlace(text: string): (Place & { readonly withinKm: number }) | null {
  const [latitude = "", longitude = "", distance = "", unit = "", ...more] = splitUnescaped(
    text,
    "|",
  ).map(unescaped);
  const perUnit = kmPerUnit.get(unit === "" ? "km" : unit);
  if (perUnit === undefined || more.length > 0) return null;
  if (![latitude, longitude].every((each) => decimal.test(each))) return null;
  const withinKm = distance === "" ? defaultDistanceKm : Number(distance) * perUnit;
  const isDistance = distance === "" || (decimal.test(distance) && withinKm >= 0);
  const place = { latitude: Number(latitude), longitude: Number(longitude) };
  const isPlace = Math.abs(place.latitude) <= 90 && Math.abs(place.longitude) <= 180;
  return isPlace && isDistance ? { ...place, withinKm } : null;
}

/** `latitude|longitude|distance|unit` of a Location (R4 §8.7.6.1); distance and unit may be left out. */
export function nearFilter(asked: Asked): Result<ValueFilter> {
  if (asked.modifier !== null) return unsupported(asked, ":missing");
  const wanted = wantedPlace(asked.value);
  if (wanted === null)
    return invalid(
      asked,
      "is not latitude|longitude|distance|unit, in km, m, mi, [mi_i] or [mi_us]",
    );
  return ok(
    filterAlone((values) =>
      values.some((value) => {
        const place = placeOf(value);
        return place !== null && distanceKm(place, wanted) <= wanted.withinKm;
      }),
    ),
  );
}
