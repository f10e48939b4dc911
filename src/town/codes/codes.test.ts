import assert from "node:assert/strict";
import { test } from "node:test";
import type { Resource } from "@medplum/fhirtypes";
import { medicines } from "#town/codes/medicines.ts";
import { createTown } from "#town/town.ts";
import { regions } from "#town/words/places.ts";

interface Code {
  readonly system: string;
  readonly code: string;
}

function* codesIn(value: unknown): Generator<Code> {
  if (value === null || typeof value !== "object") return;
  if ("system" in value && "code" in value) {
    const { system, code } = value;
    if (typeof system === "string" && typeof code === "string") yield { system, code };
  }
  for (const inner of Object.values(value)) yield* codesIn(inner);
}

function usedCodes(): ReadonlyMap<string, ReadonlySet<string>> {
  const town = createTown({ seed: 7, patients: 1_500, asOf: "2026-07-01" });
  const found = new Map<string, Set<string>>();
  const note = (resource: Resource): void => {
    for (const { system, code } of codesIn(resource)) {
      found.set(system, (found.get(system) ?? new Set()).add(code));
    }
  };
  for (const resource of town.organisation()) note(resource);
  for (const resources of town.patients()) resources.forEach(note);
  return found;
}

const used = usedCodes();

function codesOf(system: string, atLeast: number): readonly string[] {
  const codes = [...(used.get(system) ?? [])];
  assert.ok(codes.length >= atLeast, `${system} is used with ${codes.length} codes only`);
  return codes;
}

/** LOINC's last digit: every second digit from the right doubled, modulo ten. */
function hasLoincCheckDigit(code: string): boolean {
  const [digits = "", check] = code.split("-");
  let sum = 0;
  for (const [at, digit] of digits.split("").toReversed().entries()) {
    const value = Number(digit) * (at % 2 === 0 ? 2 : 1);
    sum += value > 9 ? value - 9 : value;
  }
  return String((10 - (sum % 10)) % 10) === check;
}

const turn = [
  "0123456789",
  "1576283094",
  "5803796142",
  "8916043527",
  "9453126870",
  "4286573901",
  "2793806415",
  "7046913258",
];

/** SNOMED CT's last digit, by Verhoeff: the dihedral group of the pentagon. */
function hasVerhoeffDigit(code: string): boolean {
  let check = 0;
  for (const [at, digit] of code.split("").toReversed().entries()) {
    check = pentagon(check, Number(turn[at % 8]?.[Number(digit)]));
  }
  return check === 0;
}

function pentagon(a: number, b: number): number {
  if (a < 5) return b < 5 ? (a + b) % 5 : ((a + b - 5) % 5) + 5;
  return b < 5 ? ((a - 5 - b + 5) % 5) + 5 : (a - b + 10) % 5;
}

test("every LOINC code in use carries its check digit", () => {
  for (const code of codesOf("http://loinc.org", 30)) assert.ok(hasLoincCheckDigit(code), code);
  assert.ok(!hasLoincCheckDigit("4548-5"));
});

test("every SNOMED CT code in use carries its check digit", () => {
  for (const code of codesOf("http://snomed.info/sct", 60)) assert.ok(hasVerhoeffDigit(code), code);
  assert.ok(!hasVerhoeffDigit("44054007"));
});

test("ICD-10-CM, CVX, NUCC and RxNorm codes have the form of their system", () => {
  for (const code of codesOf("http://hl7.org/fhir/sid/icd-10-cm", 20))
    assert.match(code, /^[A-Z]\d[0-9A-Z](\.[0-9A-Z]{1,4})?$/);
  for (const code of codesOf("http://hl7.org/fhir/sid/cvx", 12)) assert.match(code, /^\d{2,3}$/);
  for (const code of codesOf("http://nucc.org/provider-taxonomy", 10))
    assert.match(code, /^[0-9A-Z]{9}X$/);
  for (const code of codesOf("http://www.nlm.nih.gov/research/umls/rxnorm", 25))
    assert.match(code, /^\d{3,7}$/);
});

test("no two medicines share a code", () => {
  const codes = Object.values(medicines).map(({ rxnorm }) => rxnorm);
  assert.equal(new Set(codes).size, codes.length);
});

/** First digit of the ZIP code by State, as the postal service divides the country. */
const zipZones: Readonly<Record<string, string>> = {
  MA: "0",
  NH: "0",
  CT: "0",
  RI: "0",
  ME: "0",
  NY: "1",
  NC: "2",
  SC: "2",
  GA: "3",
  FL: "3",
  AL: "3",
  TN: "3",
  OH: "4",
  MI: "4",
  IN: "4",
  IL: "6",
  WI: "5",
  MN: "5",
  TX: "7",
  NM: "8",
  OK: "7",
  AR: "7",
  LA: "7",
  KS: "6",
  CA: "9",
  NV: "8",
  OR: "9",
  WA: "9",
  ID: "8",
  AZ: "8",
  CO: "8",
  UT: "8",
  WY: "8",
  MT: "5",
  NE: "6",
  IA: "5",
  SD: "5",
};

test("every place has a ZIP code of its State, and each region six clinics in six States", () => {
  for (const region of regions) {
    assert.equal(region.length, 6);
    assert.equal(new Set(region.map(({ state }) => state)).size, 6);
    for (const place of region.flatMap((clinic) => [clinic, ...clinic.around])) {
      assert.match(place.zip, /^\d{5}$/);
      assert.equal(
        place.zip[0],
        zipZones[place.state],
        `${place.city}, ${place.state} ${place.zip}`,
      );
      assert.ok(place.city.length > 2);
    }
  }
});
